'use strict'
/**
 * Node types are global in Node-RED: if another package holds one of ours, Node-RED does not even load our file for it.
 * Nodes of that type are then the other package's, and whoever installed this one should be told why nothing works.
 */
const OWN = require('../../package.json').name
const TYPES = ['CSMS', 'CS', 'target-csms']

const registered = new Set()

/** Note that `type` is ours. */
function isOurs (type) {
  registered.add(type)
}

/** Say so in the log, once all packages are loaded, if another one holds our types. */
function warnOfClash (RED) {
  RED.events.once('flows:starting', () => {
    const missing = TYPES.filter(type => !registered.has(type))
    for (const name of holders(RED, missing)) {
      RED.log.error(`[ocppflow] the node types ${missing.join(', ')} belong to ${name}, so those of ${OWN} could ` +
        `not be loaded. Uninstall ${name} (menu: Manage palette; or: npm remove ${name} in ` +
        `${RED.settings.userDir}) and restart Node-RED`)
    }
  })
}

function holders (RED, types) {
  const modules = RED.settings.get('nodes') || {}
  const isOneOf = set => set.enabled !== false && types.some(type => (set.types || []).includes(type))
  const holds = module => Object.values(module.nodes || {}).some(isOneOf)
  return Object.keys(modules).filter(name => name !== OWN && holds(modules[name]))
}

module.exports = { isOurs, warnOfClash }
