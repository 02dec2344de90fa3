/* Completes the fields and the values of a payload in Node-RED's code editor. Monaco gets a JSON Schema, by which its JSON
   worker also marks faults where they are; Ace gets a completer. Both go by the rules that schema.js checks by. */
(function () {
  'use strict'

  // --- Monaco: a JSON Schema -----------------------------------------------------------------------------------------

  /** The JSON Schema (draft 7) of `type` and of the types that it needs. */
  function jsonSchema (table, type) {
    const definitions = {}
    const bounded = (schema, [least, most], rule) => {
      if (rule.min !== undefined) schema[least] = rule.min
      if (rule.max !== undefined) schema[most] = rule.max
      return schema
    }
    const makers = {
      ref (rule) {
        if (!definitions[rule.ref]) {
          const made = definitions[rule.ref] = {}
          Object.assign(made, objectOf(table.types[rule.ref]))
        }
        return { $ref: `#/definitions/${rule.ref}` }
      },
      items: (rule) => bounded({ type: 'array', items: make(rule.items) }, ['minItems', 'maxItems'], rule),
      enum: (rule) => ({ enum: rule.enum }),
      string: (rule) => bounded({ type: 'string', ...(rule.pattern ? { pattern: rule.pattern } : {}) }, ['minLength', 'maxLength'], rule),
      boolean: () => ({ type: 'boolean' }),
      integer: (rule) => bounded({ type: 'integer' }, ['minimum', 'maximum'], rule),
      number: (rule) => bounded({ type: 'number' }, ['minimum', 'maximum'], rule),
      'date-time': () => ({ type: 'string' }), // the worker's own idea of its form is narrower than RFC 3339
      custom: () => ({ type: 'object', required: ['vendorId'], properties: { vendorId: { type: 'string', maxLength: 255 } } }),
      any: () => ({})
    }
    const make = (rule) => makers[kindOf(rule)](rule)
    const told = (rule) => (rule.doc ? { markdownDescription: rule.doc } : {})
    // Beside a $ref the text of its type would be shown, and not that of the field.
    const fieldOf = (rule) => (rule.ref && rule.doc ? { allOf: [make(rule)], ...told(rule) } : { ...make(rule), ...told(rule) })
    const objectOf = (rule) => ({
      type: 'object',
      ...told(rule),
      additionalProperties: false,
      required: rule.required,
      properties: Object.fromEntries(Object.entries(rule.fields).map(([name, field]) => [name, fieldOf(field)]))
    })
    return { $schema: 'http://json-schema.org/draft-07/schema#', ...make({ ref: type }), definitions }
  }

  function kindOf (rule) {
    return rule.ref ? 'ref' : rule.items ? 'items' : rule.enum ? 'enum' : rule.type
  }

  // --- Ace: what may stand at the caret ------------------------------------------------------------------------------

  const TOKEN = /"(?:[^"\\]|\\.)*("?)|[{}[\],:]|[^\s"{}[\],:]+/g

  /**
   * What may come after `text`, the beginning of a payload of `type`: `found`, [{value, isName, isRequired, doc}], and
   * `isInText`: whether the caret is inside quotation marks.
   */
  function candidates (table, type, text) {
    const frames = [] // the objects and lists around the caret; `expects` is what comes next in them
    const top = () => frames[frames.length - 1]
    const expects = () => (top() ? top().expects : 'value')
    const next = () => {
      if (!top()) return { ref: type }
      return top().names ? (Object.hasOwn(top().fields, top().name) ? top().fields[top().name] : {}) : top().items || {}
    }
    let isInText = false
    for (const { 0: token, 1: closing, index } of text.matchAll(TOKEN)) {
      isInText = token[0] === '"' && closing === ''
      const isTyped = index + token.length === text.length && /[^"{}[\],:]$/.test(token) // a word without quotation marks
      if (isInText || isTyped) break
      const isName = token[0] === '"' && expects() === 'name'
      if (token === '{') frames.push({ names: new Set(), name: '', expects: 'name', ...fieldsOf(table, next()) })
      else if (token === '[') frames.push({ items: next().items, expects: 'value' })
      else if (token === '}' || token === ']') frames.pop()
      else if (isName) {
        top().name = textOf(token)
        top().names.add(top().name)
      }
      if (top() && token !== '{' && token !== '[') {
        top().expects = isName ? 'colon' : token === ':' ? 'value' : token === ',' ? (top().names ? 'name' : 'value') : 'comma'
      }
    }
    if (expects() === 'name') {
      const { fields, required, names } = top()
      const left = Object.keys(fields).filter((name) => !names.has(name))
      const found = left.map((value) => ({ value, isName: true, isRequired: required.includes(value), doc: fields[value].doc }))
      return { isInText, found: found.sort((a, b) => b.isRequired - a.isRequired) }
    }
    const rule = expects() === 'value' ? next() : {}
    const values = rule.enum || (rule.type === 'boolean' && !isInText ? [true, false] : [])
    return { isInText, found: values.map((value) => ({ value, isName: false, isRequired: false })) }
  }

  /** `fields` and `required` of what a rule says of an object; none of anything else. */
  function fieldsOf (table, rule) {
    if (rule.ref) return table.types[rule.ref]
    return rule.type === 'custom' ? { fields: { vendorId: {} }, required: ['vendorId'] } : { fields: {}, required: [] }
  }

  function textOf (token) {
    try { return JSON.parse(token) } catch (error) { return token.slice(1, -1) }
  }

  const logic = { jsonSchema, candidates }
  if (typeof module !== 'undefined' && module.exports) {
    module.exports = logic
    return
  }

  // --- the two editors -----------------------------------------------------------------------------------------------

  /** Monaco's settings for JSON; Node-RED 5 has moved them. */
  const jsonDefaults = () => ((window.monaco.json || window.monaco.languages.json || {}).jsonDefaults)

  /** The schemas of all editors but the one called `uri`, and `more`. */
  function setSchemas (uri, more) {
    const defaults = jsonDefaults()
    if (!defaults) return
    const options = defaults.diagnosticsOptions
    const others = (options.schemas || []).filter((each) => !(each.fileMatch || []).includes(uri))
    defaults.setDiagnosticsOptions({ ...options, schemas: [...others, ...more] })
  }

  function completeInMonaco (editor) {
    const uri = editor.getModel().uri.toString()
    return {
      show (table, type) {
        const name = `ocppflow://messages/${table.version}/${type}`
        setSchemas(uri, type ? [{ uri: `${name}?${encodeURIComponent(uri)}`, fileMatch: [uri], schema: jsonSchema(table, type) }] : [])
      },
      end: () => setSchemas(uri, [])
    }
  }

  function completeInAce (editor) {
    let now = null
    const completer = {
      identifierRegexps: [/[\w.-]/],
      getCompletions (_, session, caret, prefix, callback) {
        if (!now) return callback(null, [])
        const before = [...session.getLines(0, caret.row - 1), session.getLine(caret.row).slice(0, caret.column)].join('\n')
        const { isInText, found } = candidates(now.table, now.type, before)
        callback(null, found.map(({ value, isName, isRequired, doc }, place) => ({
          caption: String(value),
          value: isInText ? String(value) : JSON.stringify(value) + (isName ? ': ' : ''),
          meta: isRequired ? window.ocppflow.t('required') : '',
          docText: doc,
          score: found.length - place
        })))
      }
    }
    editor.completers = [completer]
    editor.setOptions({ enableLiveAutocompletion: true })
    return { show (table, type) { now = type ? { table, type } : null }, end () {} }
  }

  /** Completes in `editor`, made by RED.editor.createEditor, what `show(table, type)` says; `end()` before it is destroyed.
      On a phone Node-RED has a plain text area, in which nothing is completed. */
  logic.complete = (editor) => {
    if (window.monaco && editor.getModel) return completeInMonaco(editor)
    if (window.ace && editor.commands) return completeInAce(editor)
    return { show () {}, end () {} }
  }

  window.ocppflow = Object.assign(window.ocppflow || {}, { payloadEditor: logic })
})()
