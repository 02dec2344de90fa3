/* What a station may be called, what password it may have, where it connects to and how large its messages may be, as the
   dialogs tell it. The engine has the last word. */
(function () {
  'use strict'
  const MAX_IDENTITY = 48 // characters of identifierString, OCPP 2.0.1 Part 2, SecurityCtrlr.Identity
  const IDENTITY = /^[A-Za-z0-9*\-_=+|@.]+$/ // identifierString without ":", which ends the user name in Basic credentials
  // eslint-disable-next-line no-control-regex
  const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/
  const HEX_KEY = /^([0-9A-Fa-f]{2}){1,20}$/ // AuthorizationKey of 1.6: 20 bytes at most
  const [LEAST_PASSWORD, MOST_PASSWORD] = [16, 64] // characters, A00.FR.205; before the errata 40 were the most

  const MESSAGE_SIZE = [1024, 8388608] // bytes that `maxMessageSize` may be

  const lengthOf = (text) => [...text].length
  const isOf2 = (version) => version !== '1.6'

  /**
   * Why no station of any of these versions can have the identity, as the key of a text: "identityMissing",
   * "identityControl" or "identity2"; '' if one can.
   */
  function identityFault (identity, versions) {
    if (!identity.trim()) return 'identityMissing'
    if (CONTROL.test(identity) || identity === '.' || identity === '..') return 'identityControl'
    const isAllowed = (version) => {
      if (!isOf2(version)) return true
      // The example in 2.0.1 has a space, though the type that it names has none; 2.1 has mended it.
      const plain = version === '2.0.1' ? identity.replaceAll(' ', '-') : identity
      return lengthOf(identity) <= MAX_IDENTITY && IDENTITY.test(plain)
    }
    return versions.length === 0 || versions.some(isAllowed) ? '' : 'identity2'
  }

  /**
   * Why the standard gives no station of any of these versions this password: "password2" (too short or too long),
   * "password16" (no key in hexadecimal) or "passwordAny" (neither); '' if it may be one. The engine takes it all the same.
   */
  function passwordFault (password, versions) {
    const isOf16 = versions.includes('1.6')
    const hasNewer = versions.some(isOf2)
    const isKey = isOf16 && HEX_KEY.test(password)
    const isPassword = hasNewer && lengthOf(password) >= LEAST_PASSWORD && lengthOf(password) <= MOST_PASSWORD
    if (isKey || isPassword || versions.length === 0) return ''
    return isOf16 && hasNewer ? 'passwordAny' : isOf16 ? 'password16' : 'password2'
  }

  /**
   * The whole URL of a station: its identity where `{identity}` stands, else as the last segment of the path. `unknown`
   * stands for an identity that is still missing.
   */
  function addressOf (url, identity, unknown) {
    const name = identity ? escaped(identity) : unknown
    if (url.includes('{identity}')) return url.replaceAll('{identity}', name)
    const [path, ...query] = url.split('?')
    return [path + (path.endsWith('/') ? '' : '/') + name, ...query].join('?')
  }

  function escaped (identity) {
    return encodeURIComponent(identity).replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`)
  }

  const rules = { MESSAGE_SIZE, identityFault, passwordFault, addressOf }
  if (typeof module !== 'undefined' && module.exports) {
    module.exports = rules
    return
  }
  window.ocppflow = Object.assign(window.ocppflow || {}, { stationRules: rules })
})()
