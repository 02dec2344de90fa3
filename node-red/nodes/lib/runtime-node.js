'use strict'
/** A node of a flow, as the engine is told of it: its configuration, and the msgs that wait for their answers. */

const { changedMsg } = require('./changed-msg')
const { fault } = require('./fault')

/** No OCPP message is nested that deep, and JSON decoders, the engine's for one, have a limit to what they read. */
const MOST_DEPTH = 200

class RuntimeNode {
  /** `config` and `credentials` are what the engine gets; `node` is Node-RED's. */
  constructor (node, config, credentials, passwordsChanged) {
    this.id = node.id
    this.type = node.type
    this.config = config
    this.credentials = credentials
    this.passwordsChanged = passwords => {
      if (!node._alias) this.credentials = passwords // of a subflow's instance they stay the template's
      passwordsChanged(passwords)
    }
    this.pending = new Map()
    this.onClosed = null
    this._node = node
    this._online = new Map()
    this._prefix = `{"op":"input","node":${JSON.stringify(node.id)},"ref":`
  }

  /** For texts. */
  get label () {
    return this._node.name || this.config.cbId || this.type
  }

  /** Go on where the parked node `before` has left off. */
  inherit (before) {
    if (before !== undefined) this._online = before._online
  }

  // --- to the engine -------------------------------------------------------------------------------------------------

  /** The line for an input. Throws an Error whose text is for the user. */
  lineOf (msg, ref) {
    const payload = json(msg.payload, 'msg.payload')
    let line = this._prefix + ref + ',"msg":{'
    let comma = ''
    if (payload !== undefined) {
      line += '"payload":' + payload
      comma = ','
    }
    if (msg.ocpp !== undefined) {
      const ocpp = json(msg.ocpp, 'msg.ocpp')
      if (ocpp !== undefined) {
        line += comma + '"ocpp":' + ocpp
        comma = ','
      }
    }
    if (Array.isArray(msg._linkSource) && msg._linkSource.length > 0) line += comma + '"_linkSource":true'
    return line + '}}'
  }

  // --- from the engine -----------------------------------------------------------------------------------------------

  /** The node sends a msg: that of an input, or a new one. */
  take ({ port, msg, ref }) {
    if (ref === undefined) {
      if (msg.ocpp !== undefined && msg.ocpp.websocket !== undefined) this._track(msg)
      this._node.send(port === 1 ? msg : at(port, msg))
      return
    }
    const input = this.pending.get(ref)
    if (input === undefined) return
    input.msg = changedMsg(input.msg, msg)
    input.send(port === 1 ? input.msg : at(port, input.msg))
  }

  settle (ref) {
    const input = this.pending.get(ref)
    if (input === undefined) return
    this.pending.delete(ref)
    input.done()
  }

  /** False if there is no such input. */
  fail (ref, error) {
    const input = this.pending.get(ref)
    if (input === undefined) return false
    this.pending.delete(ref)
    input.done(error)
    return true
  }

  failAll (text, code) {
    for (const ref of [...this.pending.keys()]) this.fail(ref, fault(text, code))
  }

  showStatus ({ fill, shape, text }) {
    this._node.status({ fill, shape, text })
  }

  /** A warning or an error (`level`: warn, error) that belongs to no msg; the debug sidebar shows it with this node. */
  complain (level, text) {
    this._node[level](text)
  }

  /** The engine is gone, and with it all connections: the flow is told of both. */
  engineLost (text) {
    this.failAll(`${this.label}: ${text}`, 'ConnectionLost')
    for (const [cbId, ocpp] of this._online) {
      this._node.send({
        ocpp: { ...ocpp, websocket: 'OFFLINE' },
        payload: { code: 1006, reason: 'the engine was lost' },
        topic: `${cbId}/Connection`
      })
    }
    this._online.clear()
    this.onClosed?.()
  }

  _track ({ ocpp }) {
    if (ocpp.websocket === 'ONLINE') this._online.set(ocpp.cbId, ocpp)
    else if (ocpp.websocket === 'OFFLINE') this._online.delete(ocpp.cbId)
  }
}

function at (port, msg) {
  const outputs = new Array(port).fill(null)
  outputs[port - 1] = msg
  return outputs
}

function json (value, name) {
  let text
  try {
    text = JSON.stringify(value)
  } catch (error) {
    throw new Error(`${name} cannot be written as JSON: ${error.message.split('\n')[0]}`)
  }
  if (text !== undefined && text.length > 2 * MOST_DEPTH && depth(text) > MOST_DEPTH) {
    throw new Error(`${name} is nested more than ${MOST_DEPTH} deep`)
  }
  // JSON.stringify leaves whole characters as they are and escapes half of a surrogate pair, which UTF-8 cannot carry.
  if (text !== undefined && text.includes('\\ud') && /(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(text)) {
    throw new Error(`${name} contains half of a character (a lone surrogate)`)
  }
  return text
}

/** How deep the JSON `text` is nested. */
function depth (text) {
  let now = 0
  let most = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x22) {
      while (text.charCodeAt(++i) !== 0x22) if (text.charCodeAt(i) === 0x5c) i++
    } else if (c === 0x7b || c === 0x5b) {
      if (++now > most) most = now
    } else if (c === 0x7d || c === 0x5d) now--
  }
  return most
}

module.exports = { RuntimeNode }
