'use strict'
/**
 * Where the engine is. A location is `{argv: [...]}` (a command that talks on stdin and stdout), `{socket: path}`, or
 * `{auto: true}` (the package's own engine, see engine-setup.js).
 */

/** The location that an `ocppflow-engine` node names, else OCPPFLOW_ENGINE, else settings.js, else the package's own. */
function locationOf (node, settings, env = process.env) {
  if (node && node.mode === 'command') return fromCommand(node.command, 'the command of the ocppflow-engine node')
  if (node && node.mode === 'socket') return fromSocket(node.socket, 'the socket of the ocppflow-engine node')
  if (env.OCPPFLOW_ENGINE) return fromText(env.OCPPFLOW_ENGINE, 'OCPPFLOW_ENGINE')
  const own = settings.ocppflow && settings.ocppflow.engine
  if (own) return fromSettings(own, 'ocppflow.engine in settings.js')
  return { auto: true }
}

function fromSettings (value, what) {
  if (typeof value === 'object' && !Array.isArray(value)) {
    return value.socket ? fromSocket(value.socket, what) : fromCommand(value.command, what)
  }
  return typeof value === 'string' ? fromText(value, what) : fromCommand(value, what)
}

function fromText (text, what) {
  return text.startsWith('unix:') ? fromSocket(text.slice(5), what) : fromCommand(text, what)
}

function fromSocket (path, what) {
  if (typeof path !== 'string' || path.trim() === '') return { problem: `${what} is missing` }
  return { socket: path.trim() }
}

function fromCommand (command, what) {
  const argv = Array.isArray(command) ? command.map(String) : words(String(command ?? ''))
  if (argv.length === 0) return { problem: `${what} is missing` }
  // A single word is the program; its command is always the same.
  return { argv: argv.length === 1 ? [argv[0], 'engine'] : argv }
}

/** The words of a command line; quotes keep those with blanks in them together. */
function words (line) {
  const found = line.match(/"[^"]*"|'[^']*'|[^\s"']+/g) || []
  return found.map(word => (/^(["']).*\1$/.test(word) ? word.slice(1, -1) : word))
}

module.exports = { locationOf, words }
