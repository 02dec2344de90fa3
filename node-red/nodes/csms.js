'use strict'
const { isOurs } = require('./lib/clash')
const { attach } = require('./lib/attach')
const passwordList = require('./lib/password-list')

/** What the engine needs of the node; `ws_user` to `logpath` are those of flows in the older format. */
const PROPERTIES = [
  'name', 'host', 'port', 'path', 'versions', 'messageTimeout', 'securityProfile', 'validation', 'rules', 'answer',
  'maxMessageSize', 'pingInterval', 'assumeVersion', 'assumeIdentity', 'anyUser', 'anyConnectionHeader',
  'allowOrigins', 'hideIdentities', 'ocpp_logging', 'ws_user', 'ws_pw', 'log', 'logpath'
]

module.exports = function (RED) {
  function CSMSNode (config) {
    passwordList.settle(RED, config._alias || config.id)
    RED.nodes.createNode(this, config)
    attach(RED, this, config, PROPERTIES)
  }
  RED.nodes.registerType('CSMS', CSMSNode, {
    credentials: { basic_auths: { type: 'password' }, auth_changes: { type: 'password' } }
  })
  passwordList.serve(RED)
  isOurs('CSMS')
}
