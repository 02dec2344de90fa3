'use strict'
/** Sends a Request through a CSMS or CS node: the answer leaves output 1, an error or a time-out output 2. */
const { changedMsg } = require('./lib/changed-msg')
const { fault } = require('./lib/fault')

const FIXED = 'json' // the data as typed into the dialog

module.exports = function (RED) {
  function RequestNode (config) {
    RED.nodes.createNode(this, config)
    // In a subflow, Node-RED puts the id of the copy in place of the list that held it.
    const via = [].concat(config.via || [])[0]
    const waiting = new Set()

    this.on('input', async (msg, send, done) => {
      const asked = { command: config.action, cbId: undefined }
      waiting.add(asked)
      this.status({ fill: 'blue', shape: 'dot', text: `${config.action} (${waiting.size})` })
      let answer, problem
      try {
        answer = await ask(msg, asked)
      } catch (error) {
        problem = fault(error.message, error.code)
        answer = refused(error, asked)
      }
      waiting.delete(asked)
      this.status(statusOf(answer))
      const isError = answer !== undefined && answer.payload.msgType === 4
      if (problem !== undefined && !isWired(this, 1)) {
        done(problem) // nobody listens to output 2, but a catch node may
        return
      }
      const answered = changedMsg(msg, answer)
      send(isError ? [null, answered] : [answered, null])
      done()
    })

    /** What comes of the Request, as the flow would get it from the CSMS or CS node. */
    const ask = async (msg, asked) => {
      const node = via ? RED.nodes.getNode(via) : null
      if (!node || typeof node.request !== 'function') {
        throw new Error(`${config.action}: the CSMS or CS node to send through is not there, or is disabled`)
      }
      if (node.type === 'CSMS') {
        asked.cbId = await valueOf(config.station, config.stationType || 'str', msg)
        if (typeof asked.cbId !== 'string' || asked.cbId === '') {
          throw new Error(`${config.action}: no station to send to: ${config.stationType} ${config.station} is ${shown(asked.cbId)}`)
        }
      }
      const request = { command: config.action, data: await dataOf(msg) }
      if (asked.cbId !== undefined) request.cbId = asked.cbId
      if (config.timeout !== undefined && config.timeout !== '') request.timeout = Number(config.timeout)
      if (config.validate === false) request.validate = false
      return node.request(request)
    }

    const dataOf = async msg => {
      const type = config.dataType || FIXED
      try {
        return await valueOf(type === FIXED ? config.data || '{}' : config.dataFrom, type, msg)
      } catch (error) {
        throw new Error(`${config.action}: the data cannot be had: ${error.message}`)
      }
    }

    const valueOf = (value, type, msg) => new Promise((resolve, reject) => {
      RED.util.evaluateNodeProperty(value, type, this, msg, (error, result) => error ? reject(error) : resolve(result))
    })
  }

  RED.nodes.registerType('ocpp-request', RequestNode)
}

/** A Request that did not go out, or had no answer, as an Error of our own. */
function refused (error, { command, cbId }) {
  const payload = { msgType: 4, command }
  if (cbId !== undefined) payload.cbId = cbId
  payload.error = { code: error.code || 'InternalError', description: error.message, details: {}, local: true }
  return { payload, topic: `${cbId === undefined ? command : cbId}/Error` }
}

function statusOf (answer) {
  if (answer === undefined) return {} // 2.1 has a Request that is never answered
  const { command, data, error } = answer.payload
  if (error) return { fill: 'red', shape: 'ring', text: `${command}: ${error.code}` }
  return { fill: 'green', shape: 'dot', text: typeof data?.status === 'string' ? `${command}: ${data.status}` : command }
}

function isWired (node, port) {
  return Array.isArray(node.wires) && Array.isArray(node.wires[port]) && node.wires[port].length > 0
}

function shown (value) {
  return value === undefined ? 'not set' : JSON.stringify(value)?.slice(0, 60) ?? typeof value
}
