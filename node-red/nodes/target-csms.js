'use strict'
const { isOurs } = require('./lib/clash')
module.exports = function (RED) {
  function TargetCSMSNode (config) {
    RED.nodes.createNode(this, config)
    this.url = config.url
  }
  RED.nodes.registerType('target-csms', TargetCSMSNode)
  isOurs('target-csms')
}
