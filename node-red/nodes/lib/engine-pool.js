'use strict'
/** The engines in use: one for each location, which usually means one. */
const os = require('node:os')
const path = require('node:path')
const { EngineSupervisor } = require('./engine-supervisor')
const { locationOf } = require('./engine-location')
const { engineEnvironment, setupEnvironment } = require('./engine-environment')
const { prepare } = require('./engine-setup')
const { version } = require('../../package.json')

const engines = new Map()

/** The engine for a node that refers to the `ocppflow-engine` node `id`, if to any. */
function engineOf (RED, id) {
  const location = locationOf(id ? RED.nodes.getNode(id) : null, RED.settings)
  const key = JSON.stringify(location)
  if (!engines.has(key)) {
    const log = Object.fromEntries(
      ['debug', 'info', 'warn', 'error'].map(level => [level, text => RED.log[level](`[ocppflow] ${text}`)])
    )
    const userDir = RED.settings.userDir || path.join(os.homedir(), '.node-red')
    const own = options => prepare({ userDir, env: setupEnvironment(RED.settings), ...options })
    const environment = engineEnvironment(RED.settings)
    const stateDir = path.resolve(userDir, 'ocppflow-engine', 'state')
    engines.set(key, new EngineSupervisor({ location, prepare: own, environment, stateDir, version, log }))
  }
  return engines.get(key)
}

/** A deploy is over. */
function deployed () {
  for (const engine of engines.values()) engine.deployed()
}

module.exports = { engineOf, deployed }
