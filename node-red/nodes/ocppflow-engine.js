'use strict'
const { warnOfClash } = require('./lib/clash')

module.exports = function (RED) {
  function OcppflowEngineNode (config) {
    RED.nodes.createNode(this, config)
    this.mode = config.mode || 'auto'
    this.command = config.command
    this.socket = config.socket
  }
  RED.nodes.registerType('ocppflow-engine', OcppflowEngineNode)
  warnOfClash(RED)
}
