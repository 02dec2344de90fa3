'use strict'
/**
 * Gives each msg of a CSMS or CS node to the output of the first rule that it meets, else to "everything else". A rule
 * may answer Requests by itself: the answer leaves the last output, to be wired back to the CSMS or CS node.
 */
const { changedMsg } = require('./lib/changed-msg')
const { fault } = require('./lib/fault')
const { router } = require('./lib/rule-matcher')

module.exports = function (RED) {
  function RouterNode (config) {
    RED.nodes.createNode(this, config)
    const rules = Array.isArray(config.rules) ? config.rules : []
    const route = router(rules)
    const answers = rules.map(rule => rule.answers && rule.kind === 'Request' ? answerOf(this, rule) : null)
    const others = rules.length
    const last = answers.some(Boolean) ? others + 1 : others

    this.on('input', async (msg, send, done) => {
      const rule = route(msg)
      const outputs = new Array(last + 1).fill(null)
      try {
        if (rule >= 0 && answers[rule]) {
          const data = await answers[rule](msg)
          if ((this.wires[rule] || []).length > 0) outputs[rule] = RED.util.cloneMessage(msg)
          outputs[last] = changedMsg(msg, { payload: { ...msg.payload, msgType: 3, data } })
        } else {
          outputs[rule >= 0 ? rule : others] = msg
        }
      } catch (error) {
        done(fault(`the answer to ${msg.payload.command} by rule ${rule + 1}: ${error.message}`, error.code))
        return
      }
      send(outputs)
      done()
    })
  }

  /** The answer of a rule: JSON, or a JSONata expression over the Request. */
  function answerOf (node, { answer, answerType }) {
    if (answerType !== 'jsonata') return async () => JSON.parse(answer || '{}')
    return msg => new Promise((resolve, reject) => {
      const expression = RED.util.prepareJSONataExpression(answer, node)
      RED.util.evaluateJSONataExpression(expression, msg, (error, data) => error ? reject(error) : resolve(data))
    })
  }

  RED.nodes.registerType('ocpp-router', RouterNode)
}
