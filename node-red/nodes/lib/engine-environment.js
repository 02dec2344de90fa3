'use strict'
/**
 * What the engine and its set-up see of Node-RED's environment: what a program needs to run, and nothing that is meant
 * for others, such as NODE_RED_CREDENTIAL_SECRET, keys of cloud services, or what would put code into a Python. Further
 * variables are named in `ocppflow.environment` of settings.js (an array) or in OCPPFLOW_ENVIRONMENT ("A,B").
 */
const NEEDED = [
  'PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR', 'TEMP', 'TMP', 'NO_COLOR',
  'SSL_CERT_FILE', 'SSL_CERT_DIR', // the CAs that a CS node trusts
  // Windows does not start a program without some of these.
  'SYSTEMROOT', 'SYSTEMDRIVE', 'WINDIR', 'COMSPEC', 'PATHEXT', 'USERNAME', 'USERPROFILE', 'APPDATA', 'LOCALAPPDATA',
  'PROGRAMDATA', 'PROGRAMFILES', 'PROGRAMFILES(X86)', 'NUMBER_OF_PROCESSORS', 'PROCESSOR_ARCHITECTURE'
]
/** What pip needs besides to reach a package index: not where it installs to, nor what it installs. */
const PIPS = [
  'PIP_CONFIG_FILE', 'PIP_INDEX_URL', 'PIP_EXTRA_INDEX_URL', 'PIP_NO_INDEX', 'PIP_FIND_LINKS', 'PIP_TRUSTED_HOST',
  'PIP_CERT', 'PIP_CLIENT_CERT', 'PIP_PROXY', 'PIP_TIMEOUT', 'PIP_DEFAULT_TIMEOUT', 'PIP_CACHE_DIR',
  'PIP_NO_CACHE_DIR', 'PIP_KEYRING_PROVIDER', 'XDG_CONFIG_HOME', 'XDG_CONFIG_DIRS', 'XDG_CACHE_HOME', 'NETRC',
  'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'
]

/** The environment of the engine. `settings` are Node-RED's. */
function engineEnvironment (settings, env = process.env) {
  return chosen(env, [...NEEDED, ...named(settings, env)])
}

/** The environment of the set-up, and of the pip that it runs. */
function setupEnvironment (settings, env = process.env) {
  return chosen(env, [...NEEDED, ...PIPS, ...named(settings, env)])
}

function named (settings, env) {
  const own = settings && settings.ocppflow && settings.ocppflow.environment
  const listed = Array.isArray(own) ? own.map(String) : []
  return [...listed, ...(env.OCPPFLOW_ENVIRONMENT || '').split(',')].map(name => name.trim())
}

/** Case does not count: on Windows it makes no difference, and proxies are written either way. */
function chosen (env, names) {
  const whole = new Set(names.map(name => name.toUpperCase()))
  return Object.fromEntries(Object.entries(env).filter(([name]) => {
    const upper = name.toUpperCase()
    return whole.has(upper) || upper.startsWith('LC_')
  }))
}

module.exports = { engineEnvironment, setupEnvironment }
