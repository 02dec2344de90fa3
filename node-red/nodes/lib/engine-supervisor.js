'use strict'
/**
 * The engine as the nodes see it: one process that all of them share. It is started for the first node, ended after the
 * last, and started again if it dies or hangs. What is said to it, and what it says, is in docs/engine-protocol.md.
 */
const channels = require('./channel')
const { fault } = require('./fault')

const PROTOCOL = 1

/** Milliseconds. */
const TIMES = {
  hello: 60000, // a Raspberry Pi with cold caches takes half of that to start Python and import the engine
  ping: 15000,
  linger: 3000, // a full deploy closes all nodes before it makes them anew
  close: 10000, // Node-RED gives a node 15 s
  firstRetry: 250, // a crash that does not repeat itself is hardly noticed; each further wait is twice as long
  lastRetry: 30000,
  retryOnDeploy: 1000, // a deploy does not wait for the next attempt, unless the last one was just now
  firstSetupRetry: 30000, // a failed set-up has cost minutes, and seldom mends itself
  lastSetupRetry: 600000,
  stable: 30000 // after that long without a crash, the next one is the first again
}
/** After so many pings without an answer (a minute) the engine is held to hang. */
const PINGS = 4
/** Inputs that wait for the engine to start; at one a millisecond, a second's worth. */
const HELD_INPUTS = 1000
/** Bytes for which the engine has not read yet (see `backlog`). Beyond that, inputs are refused before they fill
 * Node-RED's memory: some 25,000 that are short, two seconds of all that Node-RED can do. */
const MOST_BACKLOG = 32 * 2 ** 20

/** Characters of a line of the engine's log; its own engine cuts them shorter. */
const MOST_LOGGED = 20000

/** The states, and which may follow each. */
const NEXT = {
  idle: ['setup', 'starting', 'waiting', 'ending'],
  setup: ['setup', 'starting', 'waiting', 'ending', 'idle'],
  starting: ['ready', 'waiting', 'ending', 'idle'],
  ready: ['waiting', 'ending', 'idle'],
  waiting: ['setup', 'starting', 'waiting', 'ending', 'idle'],
  ending: ['idle']
}
const STATUS = {
  starting: { fill: 'yellow', shape: 'ring', text: 'starting' },
  setup: { fill: 'blue', shape: 'ring', text: 'setting up engine...' },
  again: { fill: 'yellow', shape: 'ring', text: 'engine restarting' },
  missing: { fill: 'red', shape: 'ring', text: 'engine missing' }
}

class EngineSupervisor {
  /**
   * `location` is that of engine-location.js; `prepare({check, log, signal})` sets the package's own engine up and
   * gives its command; `environment` is all that the engine sees of Node-RED's; `stateDir` is where the engine may
   * keep what has to outlive it; `version` is the engine's that the package was made with; `log` has info, warn, error
   * and debug.
   */
  constructor ({ location, prepare, environment, stateDir, version, log, times = {} }) {
    this._location = location
    this._environment = environment
    this._prepare = prepare
    this._stateDir = stateDir
    this._version = version
    this._log = log
    this._times = { ...TIMES, ...times }
    this._nodes = new Map()
    this._held = []
    this._parked = new Map()
    this._state = 'idle' // one of NEXT
    this._status = STATUS.starting
    this._channel = null
    this._failures = 0
    this._unfit = ''
    this._timer = null
    this._linger = null
    this._pings = 0
    this._ref = 0
  }

  // --- nodes come and go ---------------------------------------------------------------------------------------------

  /** A node comes: see `RuntimeNode` in runtime-node.js. */
  join (node) {
    this._nodes.set(node.id, node)
    node.inherit(this._parked.get(node.id))
    this._parked.delete(node.id)
    clearTimeout(this._linger)
    if (this._state === 'ready') {
      this._create(node)
      return
    }
    node.showStatus(this._status)
    const isStale = this._state === 'waiting' && Date.now() - this._triedAt > this._times.retryOnDeploy
    if (this._state === 'idle' || isStale) this._start()
  }

  /** A node goes. The promise is fulfilled when it has gone, or is parked: kept for the node that comes next. */
  async leave (node, { removed = false, park = false } = {}) {
    if (this._nodes.get(node.id) !== node) return
    if (this._state === 'ready') {
      await this._closed(node, removed, park)
      if (park && this._state === 'ready') this._parked.set(node.id, node)
    }
    this._held = this._held.filter(input => input.node !== node)
    if (this._nodes.get(node.id) === node) this._nodes.delete(node.id)
    node.failAll(`${node.label} was closed before the answer came`, 'ConnectionLost')
    if (this._nodes.size === 0) this._endSoon()
  }

  _closed (node, removed, park) {
    return new Promise(resolve => {
      const late = setTimeout(() => {
        this._log.warn(`the engine did not close ${node.label} in time; it is restarted`)
        this._channel?.kill()
        resolve()
      }, this._times.close)
      node.onClosed = () => {
        clearTimeout(late)
        resolve()
      }
      this._say({ op: 'close', node: node.id, removed, park })
    })
  }

  /** A deploy is over: what was parked and has not been taken up is closed. */
  deployed () {
    if (this._parked.size > 0 && this._state === 'ready') this._say({ op: 'deployed' })
    this._parked.clear()
  }

  _create (node) {
    this._say({ op: 'create', node: node.id, type: node.type, config: node.config, credentials: node.credentials })
  }

  // --- inputs --------------------------------------------------------------------------------------------------------

  /** Give a msg to a node; what comes of it goes to the node's `send` and `done`. */
  input (node, msg, send, done) {
    if (this._state === 'ready') this._give(node, msg, send, done)
    else if (this._state === 'starting' && this._held.length < HELD_INPUTS) this._held.push({ node, msg, send, done })
    else done(fault(`${node.label}: ${this._status.text}; nothing was sent`, 'NotConnected'))
  }

  _give (node, msg, send, done) {
    const ref = ++this._ref
    let line
    try {
      line = node.lineOf(msg, ref)
    } catch (error) {
      done(fault(`${node.label}: ${error.message}`, 'InvalidMessage'))
      return
    }
    if (line.length > this._maxLine / 3 && Buffer.byteLength(line) > this._maxLine) {
      const text = `${node.label}: the msg is longer than ${this._maxLine} bytes, the most that the engine takes`
      done(fault(text, 'InvalidMessage'))
    } else if (this._channel.backlog > MOST_BACKLOG) {
      done(fault(`${node.label}: the engine cannot keep up; send more when answers have come`, 'QueueFull'))
    } else {
      node.pending.set(ref, { msg, send, done })
      this._channel.write(line)
    }
  }

  // --- the life of the process ---------------------------------------------------------------------------------------

  async _start () {
    clearTimeout(this._timer)
    if (this._nodes.size === 0) {
      this._go('idle')
      return
    }
    this._triedAt = Date.now()
    this._abort = new AbortController()
    const abort = this._abort
    try {
      if (this._location.problem) throw new Error(this._location.problem)
      let location = this._location
      if (location.auto) {
        this._enter('setup', STATUS.starting)
        const log = text => {
          this._log.info(text)
          this._enter('setup', STATUS.setup)
        }
        // To try it each time would double the time to start; after a failure it is worth that.
        location = { argv: await this._prepare({ check: this._failures > 0, log, signal: abort.signal }) }
        if (abort.signal.aborted) return
      }
      this._enter('starting', this._failures ? STATUS.again : STATUS.starting)
      const onLine = line => this._line(channel, line)
      const onEnd = reason => this._lost(channel, reason)
      const channel = channels.open(location, this._environment, onLine, onEnd)
      this._channel = channel
    } catch (error) {
      if (!abort.signal.aborted) this._failed(error.message, STATUS.missing, error.status)
      return
    }
    this._timer = setTimeout(() => {
      this._unfit = `it did not say hello within ${this._times.hello / 1000} s`
      this._channel?.kill()
    }, this._times.hello)
    this._timer.unref()
  }

  _go (state) {
    // Only a fault of this file's could bring that about, and Node-RED must not end for it.
    if (!NEXT[this._state].includes(state)) this._log.error(`the engine went from ${this._state} to ${state}`)
    this._state = state
  }

  _enter (state, status) {
    this._go(state)
    this._status = status
    for (const node of this._nodes.values()) node.showStatus(status)
  }

  _hello (line) {
    clearTimeout(this._timer)
    if (line.protocol !== PROTOCOL) {
      this._unfit = `it speaks protocol ${line.protocol}, this package protocol ${PROTOCOL}`
      this._channel.kill()
      return
    }
    if (line.version !== this._version) {
      this._log.warn(`the engine is version ${line.version}, but this package was made with ${this._version}`)
    }
    this._log.info(`engine ${line.version} is ready (process ${line.pid})`)
    this._maxLine = line.maxLine
    this._pings = 0
    this._say({ op: 'hello', protocol: PROTOCOL, log: 'info', stateDir: this._stateDir })
    this._go('ready')
    for (const node of this._nodes.values()) this._create(node)
    const held = this._held
    this._held = []
    for (const { node, msg, send, done } of held) this._give(node, msg, send, done)
    this._watch()
    this._stable = setTimeout(() => { this._failures = 0 }, this._times.stable)
    this._stable.unref()
  }

  _watch () {
    this._timer = setTimeout(() => {
      if (this._pings >= PINGS) {
        this._log.error(`the engine has not answered for ${PINGS * this._times.ping / 1000} s; it is restarted`)
        this._channel.kill()
        return
      }
      this._pings++
      this._say({ op: 'ping' })
      this._watch()
    }, this._times.ping)
    this._timer.unref()
  }

  /** The channel has ended. */
  _lost (channel, reason) {
    if (channel !== this._channel) return
    this._channel = null
    clearTimeout(this._timer)
    clearTimeout(this._stable)
    this._parked.clear()
    const unfit = this._unfit
    this._unfit = ''
    this._failed(unfit || reason, this._state === 'ready' ? STATUS.again : STATUS.missing)
  }

  /** There is no engine, for now. `setupProblem`: what kept the package's own from being set up, for the status. */
  _failed (reason, status, setupProblem) {
    for (const node of this._nodes.values()) node.engineLost(`the engine was lost before the answer came: ${reason}`)
    for (const { node, done } of this._held.splice(0)) {
      done(fault(`${node.label}: no engine: ${reason}`, 'NotConnected'))
    }
    if (this._nodes.size === 0) {
      this._go('idle')
      return
    }
    const { firstSetupRetry, lastSetupRetry, firstRetry, lastRetry } = this._times
    const [first, last] = setupProblem ? [firstSetupRetry, lastSetupRetry] : [firstRetry, lastRetry]
    const delay = Math.min(first * 2 ** this._failures++, last)
    this._enter('waiting', setupProblem ? { ...STATUS.missing, text: setupProblem } : status)
    this._log.error(`no engine: ${reason}; next try in ${delay / 1000} s`)
    this._timer = setTimeout(() => this._start(), delay)
    this._timer.unref()
  }

  _endSoon () {
    clearTimeout(this._linger)
    this._channel?.unref()
    this._linger = setTimeout(() => this._end(), this._times.linger)
    this._linger.unref()
  }

  /** No node has come back: the process goes too. */
  async _end () {
    if (this._nodes.size > 0) return
    clearTimeout(this._timer)
    clearTimeout(this._stable)
    this._abort?.abort()
    const channel = this._channel
    this._channel = null
    this._failures = 0
    this._go('ending')
    this._status = STATUS.starting
    if (channel !== null) await channel.end()
    this._go('idle')
    if (this._nodes.size > 0) this._start()
  }

  // --- lines ---------------------------------------------------------------------------------------------------------

  _say (object) {
    this._channel.write(JSON.stringify(object))
  }

  _line (channel, text) {
    if (channel !== this._channel) return
    // Any line is a sign of life: behind a flow that is slow, the answer to a ping can be minutes away.
    this._pings = 0
    try {
      this._take(JSON.parse(text))
    } catch (error) {
      this._log.error(`a line from the engine could not be used: ${error.stack}`)
    }
  }

  _take (line) {
    const node = this._nodes.get(line.node)
    switch (line.op) {
      case 'output': return node?.take(line)
      case 'done': return node?.settle(line.ref)
      case 'status': return node?.showStatus(line)
      case 'error': return this._error(node, line)
      case 'closed':
      case 'parked': return node?.onClosed?.()
      case 'credentials': return node?.passwordsChanged(line.credentials)
      case 'log': return this._logged(node, line)
      case 'hello': return this._hello(line)
      case 'bye': this._log.debug(`the engine ends: ${line.reason}`)
    }
  }

  _error (node, line) {
    if (node !== undefined && node.fail(line.ref, fault(line.text, line.code))) return
    if (node !== undefined) node.complain('error', line.text)
    else this._log.error(`engine: ${line.text}`)
    if (line.code === 'unknown_node') node?.onClosed?.()
    if (line.code === 'busy') this._unfit = 'the engine serves another Node-RED'
  }

  _logged (node, line) {
    const level = { debug: 'debug', info: 'info', warning: 'warn' }[line.level] || 'error'
    const text = (line.traceback ? `${line.text}\n${line.traceback}` : String(line.text)).slice(0, MOST_LOGGED)
    if (node !== undefined && (level === 'warn' || level === 'error')) node.complain(level, text)
    else this._log[level](text)
  }
}

module.exports = { EngineSupervisor }
