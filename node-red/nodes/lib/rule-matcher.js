'use strict'
/** Which rule of an `ocpp-router` node matches a msg. */

const KINDS = { 2: 'Request', 3: 'Response', 4: 'Error' }

/** Request, Response, Error or Connection; undefined for a msg that has nothing to do with OCPP. */
function kindOf (msg) {
  if (msg.ocpp?.websocket !== undefined) return 'Connection'
  const kind = msg.payload?.msgType
  return KINDS[kind === undefined && msg.payload?.command !== undefined && msg.ocpp !== undefined ? 2 : Number(kind)]
}

/** A test for names: patterns separated by commas, with `*` and `?` as in file names. No pattern matches every name. */
function matcher (patterns) {
  const each = String(patterns ?? '').split(',').map(pattern => pattern.trim()).filter(pattern => pattern !== '')
  if (each.length === 0 || each.includes('*')) return () => true
  const source = each.map(pattern => pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.'))
  const expression = new RegExp(`^(?:${source.join('|')})$`, 's')
  return name => typeof name === 'string' && expression.test(name)
}

/** A function that returns the index of the first of `rules` that matches a msg, or -1. */
function router (rules) {
  const tests = rules.map(({ kind, version, action, station }) => {
    const isAction = matcher(action)
    const isStation = matcher(station)
    return (name, msg) => (!kind || kind === name) &&
      (!version || version === msg.ocpp?.ocppVersion) &&
      (kind === 'Connection' || isAction(msg.payload?.command ?? msg.ocpp?.command)) &&
      isStation(msg.payload?.cbId ?? msg.ocpp?.cbId)
  })
  return msg => {
    const kind = kindOf(msg)
    return kind === undefined ? -1 : tests.findIndex(test => test(kind, msg))
  }
}

module.exports = { kindOf, matcher, router }
