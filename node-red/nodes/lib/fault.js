'use strict'
/**
 * What is wrong with a msg, for `done()`: the text, with the code as a property (docs/engine-protocol.md has the list),
 * which catch nodes find in `msg.error`.
 *
 * It is a text and not an Error because of the debug sidebar: of an Error it shows an object, with a name, the first 30
 * characters of the message, and a stack that would tell of this package and not of the user's flow.
 */
function fault (text, code) {
  return Object.assign(new String(text), { code })
}

module.exports = { fault }
