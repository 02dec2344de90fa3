'use strict'
// For tests: what a `probe` node receives goes to a test as a line of JSON; a line of a test's becomes a msg of a
// `probe-source` node. Values that are no JSON are told of by a word.
const net = require('node:net')

module.exports = function (RED) {
  const sources = new Map()
  const tests = new Set()
  const server = net.createServer(socket => {
    tests.add(socket)
    let rest = ''
    socket.setEncoding('utf8')
    socket.on('data', text => {
      const lines = (rest + text).split('\n')
      rest = lines.pop()
      for (const line of lines) take(socket, JSON.parse(line))
    })
    socket.on('error', () => {})
    socket.on('close', () => tests.delete(socket))
  })
  server.listen(RED.settings.probePort, '127.0.0.1')

  function take (socket, { inject, msg, adorn, guard, times, cpu }) {
    if (cpu) {
      socket.write(JSON.stringify({ cpu: process.cpuUsage(), rss: process.memoryUsage().rss }) + '\n')
      return
    }
    if (adorn) adorned(msg)
    if (guard) GUARDS[guard](msg)
    for (let i = 0; i < (times || 1); i++) sources.get(inject)?.send(times ? RED.util.cloneMessage(msg) : msg)
  }

  /** Ways of a msg to keep others from writing to it. */
  const GUARDS = {
    frozen: msg => Object.freeze(msg),
    'deeply frozen': function deeply (value) {
      Object.values(value).filter(each => typeof each === 'object' && each !== null).forEach(deeply)
      Object.freeze(value)
    },
    sealed: msg => Object.seal(msg),
    'read-only payload': msg => Object.defineProperty(msg, 'payload', { writable: false, configurable: false }),
    'payload without a setter': msg => {
      const { payload } = msg
      Object.defineProperty(msg, 'payload', { get: () => payload, enumerable: true })
    }
  }

  /** What no JSON can carry. */
  function adorned (msg) {
    msg.callback = () => 'still here'
    msg.self = msg
    msg.big = 12345678901234567890n
  }

  function shown (msg) {
    const seen = new WeakSet()
    return JSON.stringify(msg, (key, value) => {
      if (typeof value === 'function') return 'function'
      if (typeof value === 'bigint') return 'bigint'
      if (value instanceof Error) return { message: value.message }
      if (typeof value === 'object' && value !== null) {
        if (key === 'req' || key === 'res' || value instanceof net.Socket) return 'object'
        if (seen.has(value)) return 'seen'
        seen.add(value)
      }
      return value
    })
  }

  RED.nodes.registerType('probe', function (config) {
    RED.nodes.createNode(this, config)
    this.on('input', (msg, send, done) => {
      const line = `{"node":${JSON.stringify(this.id)},"msg":${shown(msg)}}\n`
      for (const each of tests) each.write(line)
      done()
    })
  })
  RED.nodes.registerType('probe-source', function (config) {
    RED.nodes.createNode(this, config)
    sources.set(this.id, this)
    this.on('close', () => { if (sources.get(this.id) === this) sources.delete(this.id) })
  })
}
