'use strict'
/**
 * A channel to the engine: lines out, lines in, and one end. The engine is a child process, or is reached over a Unix
 * socket; whoever uses the channel need not know which.
 */
const { spawn } = require('node:child_process')
const fs = require('node:fs')
const net = require('node:net')

/** Characters of the engine's stderr that are kept, to say why it ended: enough for the last line of a traceback. */
const KEPT_STDERR = 2000
/** Characters of that in a line of the log. */
const SHOWN_STDERR = 300
/** Characters of a line from the engine. The longest message has 8 MiB; a program that never ends a line cannot be an engine. */
const MOST_LINE = 64 * 2 ** 20
/** Bytes that a msg which waits for the engine takes in Node.js besides its line: itself, its callbacks, its entry. */
const MSG_COST = 1024
/** Milliseconds: for the engine to end by itself (it waits up to 3 s for its peers' goodbyes), then on SIGTERM. */
const PATIENCE = { end: 6000, term: 2000 }

const children = new Set()
process.on('exit', () => {
  for (const child of children) child.kill()
})

class Channel {
  /** `onLine(text)` for each line that comes; `onEnd(reason)` once, when nothing more will come or go. */
  constructor (onLine, onEnd) {
    this._onLine = onLine
    this._onEnd = onEnd
    this._parts = []
    this._size = 0
    this._outgoing = ''
    this._queued = 0
    this._unread = 0
    this._problem = ''
    this._writeSoon = false
    this.ended = false
    this.gone = new Promise(resolve => { this._resolveGone = resolve })
  }

  /** Queue a line; all that is queued in one turn of the event loop is written together. */
  write (line) {
    if (this.ended) return
    this._outgoing += line + '\n'
    this._queued++
    if (!this._writeSoon) {
      this._writeSoon = true
      setImmediate(() => this.flush())
    }
  }

  flush () {
    this._writeSoon = false
    if (this._outgoing === '' || this.ended) return
    const text = this._outgoing
    const lines = this._queued
    this._outgoing = ''
    this._queued = 0
    this._unread += lines
    this._writer.write(text, () => { this._unread -= lines })
  }

  /** What the engine has not taken yet costs here, in bytes. */
  get backlog () {
    return this._outgoing.length + this._writer.writableLength + MSG_COST * (this._queued + this._unread)
  }

  _listen (reader) {
    reader.setEncoding('utf8')
    reader.on('data', text => {
      const lines = text.split('\n')
      const rest = lines.pop()
      for (const line of lines) {
        const whole = this._parts.length === 0 ? line : this._joined(line)
        if (whole !== '' && !this.ended) this._onLine(whole)
      }
      if (rest === '' || this.ended || this._problem) return
      this._parts.push(rest)
      this._size += rest.length
      if (this._size > MOST_LINE) {
        this._problem = `it sent a line of more than ${MOST_LINE} characters`
        this._parts = []
        this.kill()
      }
    })
  }

  _joined (last) {
    const line = this._parts.join('') + last
    this._parts = []
    this._size = 0
    return line
  }

  _finish (reason) {
    if (this.ended) return
    this.ended = true
    this._onEnd(this._problem || reason)
  }
}

/** The engine as a child process. `argv` is the whole command, `env` all of its environment. */
class ChildChannel extends Channel {
  constructor (argv, env, onLine, onEnd) {
    super(onLine, onEnd)
    this._stderr = ''
    this._timers = []
    // A process group of its own: Ctrl-C is meant for Node-RED, which then ends the engine in order. If Node-RED is
    // killed, the engine ends by itself at the end of its stdin.
    const detached = process.platform !== 'win32'
    const child = this._child = spawn(argv[0], argv.slice(1), { env, stdio: 'pipe', windowsHide: true, detached })
    this.pid = child.pid
    this._writer = child.stdin
    children.add(child)
    this._listen(child.stdout)
    child.stderr.setEncoding('utf8')
    child.stderr.on('data', text => { this._stderr = (this._stderr + text).slice(-KEPT_STDERR) })
    // EPIPE and the like only say that the child is ending, and `close` says so too.
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', () => {})
    child.on('error', error => this._left(error.code === 'ENOENT' ? `there is no program ${argv[0]}` : error.message))
    child.on('exit', (code, signal) => {
      // A grandchild could hold the pipes open for ever: what is in them now is read, but nobody waits for more.
      this._timers.push(setTimeout(() => this._left(this._why(code, signal)), 500).unref())
    })
    child.on('close', (code, signal) => this._left(this._why(code, signal)))
  }

  _why (code, signal) {
    // Anything may be in there, also what a terminal would obey.
    const last = this._stderr.trim().split('\n').pop().replace(/\p{C}/gu, ' ').trim().slice(0, SHOWN_STDERR)
    const how = signal ? `it was ended by ${signal}` : `it ended with exit code ${code}`
    return last ? `${how}: ${last}` : how
  }

  _left (reason) {
    for (const timer of this._timers) clearTimeout(timer)
    children.delete(this._child)
    this._finish(reason)
    this._resolveGone()
  }

  /** Let it end in order; the promise is fulfilled when the process is gone. */
  end () {
    this.flush()
    this._child.stdin.end()
    this._timers.push(setTimeout(() => this._child.kill(), PATIENCE.end).unref())
    this._timers.push(setTimeout(() => this.kill(), PATIENCE.end + PATIENCE.term).unref())
    return this.gone
  }

  kill () {
    this._child.kill('SIGKILL')
  }

  /** This channel does not keep Node.js alive any more. */
  unref () {
    for (const each of [this._child, this._child.stdin, this._child.stdout, this._child.stderr]) each.unref()
  }
}

/** An engine that serves on a Unix socket (`ocppflow engine --socket PATH`), started and ended by someone else. */
class SocketChannel extends Channel {
  constructor (path, onLine, onEnd) {
    super(onLine, onEnd)
    this._why = `${path}: it hung up`
    const stranger = ownedByOther(path)
    const socket = this._writer = this._socket = stranger ? new net.Socket() : net.connect(path)
    if (stranger) socket.destroy(new Error('it belongs to another user, who would get all passwords'))
    this._listen(socket)
    socket.on('error', error => { this._why = `${path}: ${error.code || error.message}` })
    socket.on('close', () => {
      this._finish(this._why)
      this._resolveGone()
    })
  }

  end () {
    this.flush()
    this._socket.end()
    setTimeout(() => this.kill(), PATIENCE.end).unref()
    return this.gone
  }

  kill () {
    this._socket.destroy()
  }

  unref () {
    this._socket.unref()
  }
}

/** Whether somebody else could have put the socket there, to be told the passwords. */
function ownedByOther (path) {
  const own = process.getuid?.()
  if (own === undefined || own === 0) return false // Windows; and root may have its engine run as whom it likes
  try {
    return ![0, own].includes(fs.statSync(path).uid)
  } catch {
    return false // there is none: connecting says so
  }
}

/** Open the channel at `location`: `{argv}` or `{socket}`. A program that is started gets the environment `env`. */
function open (location, env, onLine, onEnd) {
  if (location.socket) return new SocketChannel(location.socket, onLine, onEnd)
  return new ChildChannel(location.argv, env, onLine, onEnd)
}

module.exports = { open }
