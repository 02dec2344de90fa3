/* Checks a payload in the editor, by the rules that tools/generate_editor_schemas.py makes of the engine's message types,
   and makes templates. The words are the engine's; what the engine says when the message is sent has the last word. */
(function () {
  'use strict'
  const LIMIT = 100
  const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d+)?([Zz]|([+-])(\d\d):?(\d\d))?$/
  const IDENTIFIER = /^[\p{ID_Start}_][\p{ID_Continue}]*$/u

  const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value)
  const lengthOf = (text) => [...text].length

  function below (path, key) {
    return IDENTIFIER.test(key) && key.length <= 60 ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`
  }

  /** All that is wrong with `value`: [{path, key, values}]; `key` names the text, `values` go into it. */
  function check (table, type, value) {
    const found = []
    const add = (path, key, values) => { if (found.length < LIMIT) found.push({ path, key, values: values || {} }) }
    const run = (rule, each, path) => checkers[kindOf(rule)](rule, each, path)

    const checkers = {
      ref: (rule, each, path) => checkObject(table.types[rule.ref], each, path),
      items (rule, each, path) {
        if (!Array.isArray(each)) return add(path, 'array')
        if (rule.min !== undefined && each.length < rule.min) add(path, 'fewItems', { n: rule.min, count: rule.min })
        if (rule.max !== undefined && each.length > rule.max) add(path, 'manyItems', { n: rule.max, count: rule.max })
        each.forEach((item, index) => run(rule.items, item, `${path}[${index}]`))
      },
      enum (rule, each, path) {
        if (typeof each !== 'string') return add(path, 'string')
        if (!rule.enum.includes(each)) add(path, 'enum', { names: rule.enum.join(', ') })
      },
      string (rule, each, path) {
        if (typeof each !== 'string') return add(path, 'string')
        if (rule.max !== undefined && lengthOf(each) > rule.max) add(path, 'long', { n: rule.max })
        if (rule.pattern && !new RegExp(rule.pattern).test(each)) add(path, 'uri')
      },
      boolean (rule, each, path) { if (typeof each !== 'boolean') add(path, 'boolean') },
      integer (rule, each, path) {
        if (!Number.isInteger(each)) return add(path, 'integer')
        checkRange(rule, each, path)
      },
      number (rule, each, path) {
        if (typeof each !== 'number') return add(path, 'number')
        checkRange(rule, each, path)
      },
      'date-time' (rule, each, path) {
        if (typeof each !== 'string') return add(path, 'dateTime')
        const zone = zoneOf(each)
        if (zone === null) add(path, 'dateTimeForm')
        else if (zone === '') add(path, 'dateTimeZone')
      },
      custom (rule, each, path) {
        if (!isObject(each)) return add(path, 'object')
        if (!Object.hasOwn(each, 'vendorId')) return add(`${path}.vendorId`, 'missing')
        if (typeof each.vendorId !== 'string') return add(`${path}.vendorId`, 'string')
        if (lengthOf(each.vendorId) > 255) add(`${path}.vendorId`, 'long', { n: 255 })
      },
      any () {}
    }

    function checkRange (rule, each, path) {
      if (rule.min !== undefined && each < rule.min) add(path, 'least', { n: rule.min })
      if (rule.max !== undefined && each > rule.max) add(path, 'most', { n: rule.max })
    }

    function checkObject (rule, each, path) {
      if (!isObject(each)) return add(path, 'object')
      for (const [name, field] of Object.entries(rule.fields)) {
        if (Object.hasOwn(each, name)) run(field, each[name], below(path, name))
        else if (rule.required.includes(name)) add(below(path, name), 'missing')
      }
      Object.keys(each).filter((name) => !Object.hasOwn(rule.fields, name)).forEach((name) => add(below(path, name), 'unknown'))
      for (const [name, field] of Object.entries(rule.fields)) checkMore(field, each[name], below(path, name))
    }

    /** The two rules of 1.6 that reach across types; the engine looks at them last, too. */
    function checkMore (field, each, path) {
      if (field.decimals && typeof each === 'number' && !/^-?\d+(\.\d)?$/.test(String(each)) && !Number.isInteger(each)) {
        add(path, 'decimals')
      }
      if (field.notEmpty && Array.isArray(each)) {
        const index = each.findIndex((item) => isObject(item) && Array.isArray(item[field.notEmpty]) && !item[field.notEmpty].length)
        if (index >= 0) add(`${path}[${index}].${field.notEmpty}`, 'fewItems', { n: 1, count: 1 })
      }
    }

    run({ ref: type }, value, '$')
    return found
  }

  function kindOf (rule) {
    return rule.ref ? 'ref' : rule.items ? 'items' : rule.enum ? 'enum' : rule.type
  }

  /** The zone of a date-time as written, '' if it has none, null if it is not a date-time. */
  function zoneOf (text) {
    const parts = DATE_TIME.exec(text)
    if (!parts) return null
    const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number)
    const date = new Date(0)
    date.setUTCFullYear(year, month - 1, day)
    const isDay = year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
    const [zoneHour, zoneMinute] = [Number(parts[10] || 0), Number(parts[11] || 0)]
    if (!isDay || hour > 23 || minute > 59 || second > 60 || zoneHour > 23 || zoneMinute > 59) return null
    if (second === 60) { // a leap second is the last one of a day in UTC
      const offset = (zoneHour * 60 + zoneMinute) * (parts[9] === '-' ? -1 : 1)
      if (((hour * 60 + minute - offset) % 1440 + 1440) % 1440 !== 1439) return null
    }
    return parts[8] || ''
  }

  /** A payload with the required fields alone. `now` is what stands for a moment. */
  function template (table, type, now) {
    const makers = {
      ref: (rule) => fieldsOf(table.types[rule.ref]),
      items: (rule) => Array.from({ length: rule.min || 1 }, () => make(rule.items)),
      enum: (rule) => rule.enum[0],
      string: (rule) => rule.pattern ? 'https://example.com/' : '',
      boolean: () => false,
      integer: (rule) => Math.max(rule.min || 0, 0),
      number: (rule) => Math.max(rule.min || 0, 0),
      'date-time': () => now,
      custom: () => ({ vendorId: '' }),
      any: () => ''
    }
    const make = (rule) => makers[kindOf(rule)](rule)
    const fieldsOf = (rule) => Object.fromEntries(rule.required.map((name) => [name, make(rule.fields[name])]))
    return make({ ref: type })
  }

  const schema = { check, template }
  if (typeof module !== 'undefined' && module.exports) {
    module.exports = schema
    return
  }

  const tables = {}
  /** The rules of a version, asked for once. */
  schema.table = (version) => {
    if (!tables[version]) {
      tables[version] = $.getJSON(`resources/${window.ocppflow.MODULE}/messages-${version}.json`)
      tables[version].fail(() => { delete tables[version] })
    }
    return tables[version]
  }

  /** Shows in `box` what is wrong with `text` as JSON for `type`; true if nothing is. */
  schema.show = (box, table, type, text) => {
    const t = window.ocppflow.t
    const report = (kind, head, found) => {
      const list = $('<ul>')
      found.forEach((each) => {
        const path = each.path.replace(/^\$\.?/, '') || t('finding.whole')
        $('<li>').append($('<code>').text(path), document.createTextNode(' ' + t('finding.' + each.key, each.values))).appendTo(list)
      })
      $(box).attr('class', `ocppflow-findings ${kind}`).empty().append($('<div>').text(head), list)
    }
    let value
    try { value = JSON.parse(text) } catch (error) {
      report('wrong', t('finding.json', { message: error.message }), [])
      return false
    }
    const found = check(table, type, value)
    if (found.length) report('wrong', t('finding.wrong', { count: found.length, type }), found)
    else report('ok', t('finding.right', { type }), [])
    return found.length === 0
  }

  window.ocppflow = Object.assign(window.ocppflow || {}, { schema })
})()
