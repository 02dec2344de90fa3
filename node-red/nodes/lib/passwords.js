'use strict'
/**
 * The credentials of a node. A list that a flow has changed by Command Message outlives a redeploy and the engine: it is
 * in force until the user edits the configured one, or removes the node.
 */
const changes = new Map()

/** The credentials in force for `node`; `changed(now)` is told of the flow's changes, `forget()` when it is removed. */
function passwordsOf (node) {
  const configured = node.credentials || {}
  const mark = JSON.stringify(configured)
  const change = changes.get(node.id)
  if (change !== undefined && change.configured !== mark) changes.delete(node.id)
  return {
    inForce: changes.has(node.id) ? change.now : configured,
    changed: now => changes.set(node.id, { configured: mark, now }),
    forget: () => changes.delete(node.id)
  }
}

module.exports = { passwordsOf }
