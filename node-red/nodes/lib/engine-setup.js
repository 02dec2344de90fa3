'use strict'
/**
 * The package's own engine: the wheel that the package carries, in a private virtual environment at
 * `<userDir>/ocppflow-engine/venv`. It is set up (by setup/set_up_engine.py) when it is first needed, and again when the
 * package brings another wheel or when the environment does not work any more.
 */
const { spawn } = require('node:child_process')
const { createHash } = require('node:crypto')
const fs = require('node:fs/promises')
const path = require('node:path')

const PACKAGE = path.join(__dirname, '..', '..')
const WHEELS = path.join(PACKAGE, 'engine')
const SCRIPT = path.join(PACKAGE, 'setup', 'set_up_engine.py')
const STAMP = 'made-of'
const LEAST = [3, 11]
const WINDOWS = process.platform === 'win32'
const PYTHONS = [['python3.14'], ['python3.13'], ['python3.12'], ['python3.11'], ['python3'], ['python']]
const LAUNCHER = ['py', '-3']
/** Milliseconds that a Python has to start and to import the engine, on a small machine with nothing in its caches. */
const START = 60000
/** Milliseconds that a set-up which is not wanted any more has to clean up. */
const CLEANING = 8000
/** Characters that are kept of what a command says. */
const KEPT = 4000

/** What keeps the engine from being set up. `status` is for a node's status, the message for the log. */
class SetupError extends Error {
  constructor (status, text) {
    super(text)
    this.status = status
  }
}

/**
 * The command of the package's own engine, which is set up first if it is not there. With `check` it is tried, too, and
 * set up anew if it does not start. `log(text)` hears of that, `signal` ends it; what is run sees no more than `env`.
 * Each Python runs isolated (-I), so that no variable and no folder can put code into it. Rejects with a SetupError.
 */
async function prepare ({ userDir, check, log, signal, env, wheels = WHEELS }) {
  const wheel = await findWheel(wheels)
  const home = path.join(userDir, 'ocppflow-engine')
  const venv = path.join(home, 'venv')
  const python = path.join(venv, ...(WINDOWS ? ['Scripts', 'python.exe'] : ['bin', 'python']))
  const argv = [python, '-I', '-m', 'ocppflow.nodes']
  if (await fs.readFile(path.join(venv, STAMP), 'utf8').catch(() => '') === wheel.stamp) {
    if (!check) return argv
    const tried = await run([...argv, '--version'], { env, signal, timeout: START })
    if (tried.ok) return argv
    if (!signal.aborted) log(`the engine in ${venv} does not start any more (${tried.last}); it is set up anew`)
  }
  const base = await findPython(env, signal)
  await setUp([...base, '-I', '-B', SCRIPT, home, wheel.file, wheel.stamp], env, log, signal)
  return argv
}

async function findWheel (folder) {
  const names = await fs.readdir(folder).catch(() => [])
  const name = names.filter(each => /^ocppflow-.*\.whl$/.test(each)).sort().pop()
  if (name === undefined) {
    throw new SetupError('engine missing', 'this copy of the package carries no engine (it was not made by ' +
      '`make node-red-package`); name one in OCPPFLOW_ENGINE, in settings.js or in an ocppflow-engine node')
  }
  const file = path.join(folder, name)
  const digest = createHash('sha256').update(await fs.readFile(file)).digest('hex')
  return { file, stamp: `${name} ${digest}` }
}

async function findPython (env, signal) {
  const seen = []
  for (const command of WINDOWS ? [LAUNCHER, ...PYTHONS] : [...PYTHONS, LAUNCHER]) {
    const asked = [...command, '-I', '-c', 'import sys; print(*sys.version_info[:3], sep=".")']
    const answer = await run(asked, { env, signal, timeout: START })
    const version = answer.ok ? answer.last : ''
    if (!/^\d+\.\d+\.\d+$/.test(version)) continue
    const [major, minor] = version.split('.').map(Number)
    if (major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1])) return command
    seen.push(`${command.join(' ')} is ${version}`)
  }
  const found = seen.length ? `found only: ${seen.join(', ')}` : 'found none'
  const least = LEAST.join('.')
  throw new SetupError(`no Python ${least}+`, `the engine needs Python ${least} or later; ${found}. ` +
    'Install one (Debian, Ubuntu: apt install python3 python3-venv; Windows, macOS: python.org), then deploy again')
}

/** Run setup/set_up_engine.py. The end of its stdin, which also comes if Node-RED dies, makes it clean up and end. */
async function setUp (argv, env, log, signal) {
  let problem
  const onLine = line => {
    try {
      const told = JSON.parse(line)
      if (told.log !== undefined) log(told.log)
      if (told.problem !== undefined) problem = new SetupError(told.status, told.problem)
    } catch {} // what Python itself says is kept by `run`, for the case that there is nothing better
  }
  const done = await run(argv, { env, signal, onLine })
  if (!done.ok) throw problem || new SetupError('engine setup failed', `the engine could not be set up: ${done.last}`)
}

/**
 * Run a command to its end: `{ok, last}`, where `last` is the last line it wrote. Never rejects. With `onLine` the
 * command is one that ends at the end of its stdin, and is given the time to do so.
 */
function run (argv, { env, signal, timeout, onLine }) {
  return new Promise(resolve => {
    let text = ''
    let rest = ''
    let timer
    const finish = (ok, why) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      resolve({ ok, last: text.trim().split('\n').pop().trim() || why })
    }
    if (signal.aborted) {
      resolve({ ok: false, last: 'not wanted any more' })
      return
    }
    const stdio = [onLine ? 'pipe' : 'ignore', 'pipe', 'pipe']
    let child
    try {
      child = spawn(argv[0], argv.slice(1), { env, stdio, windowsHide: true })
    } catch (error) {
      resolve({ ok: false, last: error.message })
      return
    }
    const stop = () => {
      child.stdin?.end()
      endIn(onLine ? CLEANING : 0)
    }
    const endIn = milliseconds => {
      clearTimeout(timer)
      timer = setTimeout(() => child.kill('SIGKILL'), milliseconds)
    }
    if (timeout) endIn(timeout)
    signal.addEventListener('abort', stop)
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', more => { text = (text + more).slice(-KEPT) })
      stream.on('error', () => {})
    }
    if (onLine) {
      child.stdin.on('error', () => {})
      child.stdout.on('data', more => {
        const lines = (rest + more).split('\n')
        rest = lines.pop()
        lines.forEach(onLine)
      })
    }
    child.on('error', error => finish(false, error.message))
    child.on('close', (code, killer) => finish(code === 0, killer ? `ended by ${killer}` : `exit code ${code}`))
  })
}

module.exports = { prepare, SetupError }
