'use strict'
/**
 * What is wrong with a msg, for `done()`. Catch nodes see the text as it is, without "Error: " before it, and the code
 * (docs/engine-protocol.md has the list). There is no stack: it would tell of this package, not of the user's flow.
 */
class Fault extends Error {
  constructor (text, code) {
    super(text)
    this.name = ''
    this.code = code
    delete this.stack
  }
}

module.exports = { Fault }
