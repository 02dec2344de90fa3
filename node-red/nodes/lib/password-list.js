'use strict'
/**
 * The CSMS node's list of stations and passwords, on its way from the edit dialog to the credential `basic_auths`.
 *
 * The editor never gets a password, so it cannot send the whole list back. It sends what the user has changed, as the
 * credential `auth_changes`, and this puts the two together. Until then both are in the credentials file, so nothing
 * is lost if Node-RED ends in between; the changes are taken in before the next ones can come (when the node starts,
 * and when its dialog asks for the list).
 */

/** A list with the changes made. `changes`: {rename: {old: new}, remove: [identity], set: {identity: password}}. */
function applied (list, changes) {
  const { rename = {}, remove = [], set = {} } = changes
  const taken = new Set(Object.values(rename))
  const result = new Map()
  for (const [identity, password] of Object.entries(list)) {
    // A station whose name another one has taken over gives way.
    if (Object.hasOwn(rename, identity)) result.set(rename[identity], password)
    else if (!taken.has(identity) && !remove.includes(identity)) result.set(identity, password)
  }
  Object.entries(set).forEach(([identity, password]) => result.set(identity, password))
  return Object.fromEntries(result)
}

function parsed (text) {
  try {
    const value = typeof text === 'string' ? JSON.parse(text) : text
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : null
  } catch {
    return null
  }
}

/**
 * Take the changes from the dialog into the list of the node `id`, and give its credentials (an object, empty if there
 * are none). What is not a list or no changes is left as it is: the engine says what is wrong with it.
 */
function settle (RED, id) {
  const credentials = RED.nodes.getCredentials(id) || {}
  if (!credentials.auth_changes) { return credentials }
  const list = credentials.basic_auths ? parsed(credentials.basic_auths) : {}
  const changes = parsed(credentials.auth_changes)
  if (list === null || changes === null) { return credentials }
  const { auth_changes: _, ...rest } = credentials
  const settled = { ...rest, basic_auths: JSON.stringify(applied(list, changes)) }
  RED.nodes.addCredentials(id, settled)
  return settled
}

/** `GET /ocppflow/csms/<id>/stations`: the identities, never a password, for who may read CSMS nodes. */
function serve (RED) {
  RED.httpAdmin.get('/ocppflow/csms/:id/stations', RED.auth.needsPermission('CSMS.read'), (request, response) => {
    const { basic_auths: text } = settle(RED, request.params.id)
    const list = text ? parsed(text) : {}
    if (list === null) {
      response.status(409).json({ code: 'not_a_list', message: 'the credential basic_auths is not a JSON object' })
      return
    }
    response.json({ stations: Object.keys(list).sort() })
  })
}

module.exports = { applied, settle, serve }
