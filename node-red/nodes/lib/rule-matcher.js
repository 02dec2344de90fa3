'use strict'
/** Which rule of an `ocpp-router` a msg meets. */

const KINDS = { 2: 'Request', 3: 'Response', 4: 'Error' }

/** Request, Response, Error or Connection; undefined for a msg that is nothing of OCPP. */
function kindOf (msg) {
  if (msg.ocpp?.websocket !== undefined) return 'Connection'
  const kind = msg.payload?.msgType
  return KINDS[kind === undefined && msg.payload?.command !== undefined && msg.ocpp !== undefined ? 2 : Number(kind)]
}

/** A test for names: several patterns with commas between them, `*` and `?` as in file names; nothing is everything. */
function matcher (patterns) {
  const each = String(patterns ?? '').split(',').map(pattern => pattern.trim()).filter(pattern => pattern !== '')
  if (each.length === 0 || each.includes('*')) return () => true
  const source = each.map(pattern => pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.'))
  const expression = new RegExp(`^(?:${source.join('|')})$`, 's')
  return name => typeof name === 'string' && expression.test(name)
}

/** A function that gives the index of the first of `rules` that a msg meets, -1 if there is none. */
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
