'use strict'
/**
 * The package's own engine: the wheel that the package carries, installed into a private virtual environment at
 * `<userDir>/ocppflow-engine/venv` when it is first needed, and again when the package brings another wheel.
 */
const { spawn } = require('node:child_process')
const { createHash } = require('node:crypto')
const fs = require('node:fs/promises')
const path = require('node:path')

const WHEELS = path.join(__dirname, '..', '..', 'engine')
const STAMP = 'ocppflow.json'
const LEAST = [3, 11]
const WINDOWS = process.platform === 'win32'
const PYTHONS = [['python3.14'], ['python3.13'], ['python3.12'], ['python3.11'], ['python3'], ['python']]
const LAUNCHER = ['py', '-3']
const MINUTE = 60 * 1000

/** What keeps the engine from being set up. `status` is for a node's status, the message for the log. */
class SetupError extends Error {
  constructor (status, text) {
    super(text)
    this.status = status
  }
}

/**
 * The command of the package's own engine, which is installed first if it is not there yet. `log(text)` hears of that,
 * `signal` ends it. Rejects with a SetupError.
 */
async function prepare ({ userDir, log, signal, wheels = WHEELS }) {
  const wheel = await findWheel(wheels)
  const home = path.join(userDir, 'ocppflow-engine', 'venv')
  const python = path.join(home, ...(WINDOWS ? ['Scripts', 'python.exe'] : ['bin', 'python']))
  const argv = [python, '-I', '-m', 'ocppflow', 'engine']
  if (await isInstalled(home, wheel) && (await run([python, '-I', '-c', ''], { signal })).ok) return argv
  const started = Date.now()
  const base = await findPython(signal)
  log(`setting up the engine (${wheel.name}, Python ${base.version}) in ${home}; this is done once`)
  await install(home, python, base, wheel, signal)
  await fs.writeFile(path.join(home, STAMP), JSON.stringify(stampOf(wheel)))
  log(`the engine has been set up in ${Math.round((Date.now() - started) / 1000)} s`)
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
  return { name, file, digest: createHash('sha256').update(await fs.readFile(file)).digest('hex') }
}

function stampOf (wheel) {
  return { wheel: wheel.name, sha256: wheel.digest }
}

async function isInstalled (home, wheel) {
  try {
    const stamp = JSON.parse(await fs.readFile(path.join(home, STAMP), 'utf8'))
    return stamp.wheel === wheel.name && stamp.sha256 === wheel.digest
  } catch {
    return false
  }
}

async function findPython (signal) {
  const seen = []
  for (const command of WINDOWS ? [LAUNCHER, ...PYTHONS] : [...PYTHONS, LAUNCHER]) {
    const answer = await run([...command, '-c', 'import sys; print(*sys.version_info[:3], sep=".")'], { signal })
    const version = answer.ok ? answer.text.trim() : ''
    if (!/^\d+\.\d+\.\d+$/.test(version)) continue
    const [major, minor] = version.split('.').map(Number)
    if (major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1])) return { command, version }
    seen.push(`${command.join(' ')} is ${version}`)
  }
  const found = seen.length ? `found only: ${seen.join(', ')}` : 'found none'
  const least = LEAST.join('.')
  throw new SetupError(`no Python ${least}+`, `the engine needs Python ${least} or later; ${found}. ` +
    'Install one (Debian, Ubuntu: apt install python3 python3-venv; Windows, macOS: python.org), then deploy again')
}

async function install (home, python, base, wheel, signal) {
  await fs.rm(home, { recursive: true, force: true })
  await fs.mkdir(path.dirname(home), { recursive: true })
  const made = await run([...base.command, '-m', 'venv', home], { signal, timeout: 5 * MINUTE })
  if (!made.ok) {
    const hint = /ensurepip|python3-venv/.test(made.text) ? '; on Debian and Ubuntu: apt install python3-venv' : ''
    throw new SetupError('engine setup failed', `${base.command.join(' ')} -m venv failed: ${made.last}${hint}`)
  }
  const pip = [python, '-I', '-m', 'pip', '--disable-pip-version-check', '--no-input', 'install', '--quiet']
  const filled = await run([...pip, wheel.file], { signal, timeout: 15 * MINUTE })
  if (!filled.ok) throw new SetupError('engine setup failed', `pip could not install the engine: ${filled.last}`)
  // The faster event loop is welcome where it comes ready-made, and nothing depends on it.
  if (!WINDOWS) await run([...pip, '--only-binary', ':all:', 'uvloop'], { signal, timeout: 5 * MINUTE })
}

/** Run a command to its end: `{ok, text, last}`, where `last` is the last line it wrote. Never rejects. */
function run (argv, { signal, timeout = MINUTE }) {
  return new Promise(resolve => {
    let text = ''
    const finish = (ok, why) => {
      const lines = text.trim().split('\n').filter(line => !/^\[notice\]/.test(line))
      resolve({ ok, text, last: (lines.pop() || '').trim() || why })
    }
    let child
    try {
      const stdio = ['ignore', 'pipe', 'pipe']
      child = spawn(argv[0], argv.slice(1), { stdio, windowsHide: true, signal, timeout, killSignal: 'SIGKILL' })
    } catch (error) {
      finish(false, error.message)
      return
    }
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', more => { text = (text + more).slice(-4000) })
      stream.on('error', () => {})
    }
    child.on('error', error => finish(false, error.message))
    child.on('close', (code, killer) => finish(code === 0, killer ? `ended by ${killer}` : `exit code ${code}`))
  })
}

module.exports = { prepare, SetupError }
