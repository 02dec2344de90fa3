'use strict'
/** What the CSMS and the CS node have in common: an engine does their work. */
const { engineOf } = require('./engine-pool')
const { RuntimeNode } = require('./runtime-node')
const { deploysOf } = require('./deploys')

/** Let the engine do the work of `node`. It gets the properties `names` of `config` as they are. */
function attach (RED, node, config, names) {
  const deploys = deploysOf(RED)
  const engine = engineOf(RED, config.engine)
  const given = names.filter(name => config[name] !== undefined)
  const settings = Object.fromEntries(given.map(name => [name, config[name]]))
  const tls = tlsOf(RED, config.tls)
  if (tls !== undefined) settings.tls = tls
  if (config.csms !== undefined) settings.csms = targetOf(RED, config.csms)
  const attached = new RuntimeNode(node, settings, node.credentials || {}, changed => keep(RED, node, changed))

  node.on('input', (msg, send, done) => engine.input(attached, msg, send, done))
  node.on('close', (removed, done) => {
    const park = !removed && deploys.keeps(node)
    engine.leave(attached, { removed, park }).then(() => done(), error => {
      node.warn(error.message)
      done()
    })
  })
  engine.join(attached)

  /** For other nodes: send a Request ({command, data, cbId, timeout, validate, MessageId}). The promise gives the msg
   *  that the flow would get, a Response or an Error; it is rejected if nothing was sent. */
  node.request = request => new Promise((resolve, reject) => {
    let answer
    const done = fault => fault ? reject(Object.assign(new Error(fault), { code: fault.code })) : resolve(answer)
    engine.input(attached, { payload: { ...request, msgType: 2 } }, msg => { answer = msg }, done)
  })
}

/**
 * Put the list of passwords that a flow has changed into the credentials, where the edit dialog finds it. Not so in a
 * subflow: its template's credentials are those of all its instances. (The engine remembers the list in any case.)
 */
function keep (RED, node, { basic_auths: passwords }) {
  if (node._alias) return
  const credentials = RED.nodes.getCredentials(node.id)
  RED.nodes.addCredentials(node.id, { ...credentials, basic_auths: JSON.stringify(passwords) })
}

/** The certificates of a `tls-config` node, as PEM text. */
function tlsOf (RED, id) {
  const node = id ? RED.nodes.getNode(id) : null
  if (!node || typeof node.addTLSOptions !== 'function') return undefined
  const options = node.addTLSOptions({}) || {}
  const text = value => (value === undefined || value === null ? '' : value.toString())
  return {
    cert: text(options.cert),
    key: text(options.key),
    ca: text(options.ca),
    passphrase: text(options.passphrase),
    verify: options.rejectUnauthorized !== false
  }
}

/** What the engine needs of a `target-csms` node; its id if there is none, so that the engine can name it. */
function targetOf (RED, id) {
  const target = typeof id === 'string' && id !== '' ? RED.nodes.getNode(id) : null
  return target ? { url: target.url } : id
}

module.exports = { attach }
