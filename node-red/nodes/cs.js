'use strict'
const { isOurs } = require('./lib/clash')
const { attach } = require('./lib/attach')

/** What the engine needs of the node; `csms_url` to `csms_pw` are those of flows in the older format. */
const PROPERTIES = [
  'name', 'cbId', 'versions', 'messageTimeout', 'validation', 'rules', 'answer', 'pingInterval', 'maxMessageSize',
  'assumeVersion', 'ws_rt_minimum', 'ws_rt_repeat', 'ws_rt_rnd_range', 'auto_connect', 'ocpp_logging', 'csms_url',
  'csms_user', 'csms_pw'
]

module.exports = function (RED) {
  function CSNode (config) {
    RED.nodes.createNode(this, config)
    attach(RED, this, config, PROPERTIES)
  }
  RED.nodes.registerType('CS', CSNode, { credentials: { csms_pw: { type: 'password' } } })
  isOurs('CS')
}
