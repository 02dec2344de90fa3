'use strict'
/** What a deploy changes: a node that it closes and makes anew without a change keeps its connections. */
const { deployed } = require('./engine-pool')

const known = new WeakMap()

class Deploys {
  constructor (events) {
    this._kept = new Set()
    events.on('flows:stopping', ({ config, diff }) => {
      // To stop or restart the flows is not a deploy: there is no diff, and nothing is kept, as the user wants it.
      const isDeploy = diff !== undefined && diff.globalConfigChanged !== undefined
      const touched = isDeploy ? new Set([...diff.changed, ...diff.removed]) : null
      this._kept = new Set(isDeploy ? config.flows.filter(each => !touched.has(each.id)).map(each => each.id) : [])
    })
    events.on('flows:started', () => {
      this._kept.clear()
      deployed()
    })
  }

  /** Whether the node that is being closed will be made anew unchanged. */
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
