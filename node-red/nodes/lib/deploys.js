'use strict'
/** What a deploy changes, so that a node which it closes and makes anew unchanged can keep its connections. */
const { deployed } = require('./engine-pool')

const known = new WeakMap()

class Deploys {
  constructor (events) {
    this._kept = new Set()
    events.on('flows:stopping', ({ config, diff }) => {
      // Flows that are stopped or restarted have no diff of their own; that is the user's wish, and nothing is kept.
      const isDeploy = diff !== undefined && diff.globalConfigChanged !== undefined
      const touched = isDeploy ? new Set([...diff.changed, ...diff.removed]) : null
      this._kept = new Set(isDeploy ? config.flows.filter(each => !touched.has(each.id)).map(each => each.id) : [])
    })
    events.on('flows:started', () => {
      this._kept.clear()
      deployed()
    })
  }

  /** Whether the node that is being closed will be made anew as it is. */
  keeps ({ id, z, _alias }) {
    // In an instance of a subflow, which is `z`, it is made of the template's node `_alias`.
    return this._kept.has(id) || (this._kept.has(z) && this._kept.has(_alias))
  }
}

/** The one observer of deploys. */
function deploysOf (RED) {
  if (!known.has(RED.events)) known.set(RED.events, new Deploys(RED.events))
  return known.get(RED.events)
}

module.exports = { deploysOf }
