'use strict'
/**
 * The settings of the Node-RED that `make run` starts. What it logs goes to whoever started it as lines of JSON, and it
 * ends with its standard input, so that it never outlives the launcher.
 */
process.stdin.on('end', () => process.kill(process.pid, 'SIGTERM')).on('error', () => {}).resume()

module.exports = {
  uiHost: '127.0.0.1',
  flowFile: 'flows.json',
  credentialSecret: process.env.OCPPFLOW_CREDENTIAL_SECRET,
  lang: 'en-US', // of the log alone; the editor speaks the browser's language
  telemetry: { enabled: false },
  diagnostics: { enabled: true, ui: true },
  logging: {
    launcher: {
      level: 'info',
      handler: () => ({ level, type, name, msg }) => {
        const text = typeof msg === 'string' ? msg : (msg && msg.message) || String(msg)
        process.stdout.write(JSON.stringify({ level, type, name, text }) + '\n')
      }
    }
  },
  editorTheme: {
    projects: { enabled: false },
    tours: false,
    page: { title: 'ocppflow', scripts: [require.resolve('./editor.js')] },
    header: { title: 'ocppflow' }
  }
}
