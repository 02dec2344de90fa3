/* The list of rules in the ocpp-router's dialog. A rule: {kind, version, action, station, answers, answerType, answer};
   nodes/lib/rule-matcher.js says what is met by which. */
(function () {
  'use strict'
  const KINDS = ['', 'Request', 'Response', 'Error', 'Connection']

  const doesAnswer = (rule) => rule.kind === 'Request' && Boolean(rule.answers)

  /** In a few words, for the label of an output. */
  function labelOf ({ kind, version, action, station }) {
    const what = kind === 'Connection' ? kind : [action, kind].filter(Boolean).join(' ')
    const from = [version, station].filter(Boolean).join(', ')
    return (what || '*') + (from ? ` (${from})` : '')
  }

  /** What is wrong with the rules: [{n: number of the rule, key}]. */
  function faultsOf (rules) {
    return rules.flatMap((rule, index) => {
      if (!doesAnswer(rule)) return []
      try {
        if (rule.answerType === 'jsonata') jsonata(rule.answer)
        else JSON.parse(rule.answer)
        return []
      } catch (error) {
        return [{ n: index + 1, key: 'answer' }]
      }
    })
  }

  /** For each new output the number that it had before, or null: the rules', everything else, and the answers. */
  function outputsOf (before, rows, outputs) {
    const kept = [...rows.map((row) => row.origin), before.length]
    if (rows.some((row) => doesAnswer(row.rule))) kept.push(outputs > before.length + 1 ? before.length + 1 : null)
    return kept
  }

  const logic = { labelOf, faultsOf, outputsOf }
  if (typeof module !== 'undefined' && module.exports) {
    module.exports = logic
    return
  }

  function select (values, texts, name) {
    const list = $('<select>', { class: `ocppflow-rule-${name}`, 'aria-label': name })
    values.forEach((value, index) => $('<option>', { value, text: texts[index] }).appendTo(list))
    return list
  }

  /** The last part of a rule: the answer, its template and its check. */
  function answerOf (node, item, rule, changed) {
    const t = (key) => node._(`ocpp-router.${key}`)
    const { schema, VERSIONS } = window.ocppflow
    const part = $('<div>', { class: 'ocppflow-rule-answer-part' }).appendTo(item)
    const line = $('<div>', { class: 'ocppflow-row' }).appendTo(part)
    const input = $('<input>', { type: 'text', class: 'ocppflow-rule-answer' }).appendTo($('<div>').css('flex', '1').appendTo(line))
    const button = $('<button>', { type: 'button', class: 'red-ui-button red-ui-button-small ocppflow-rule-template' })
      .append('<i class="fa fa-magic"></i> ', document.createTextNode(t('label.template'))).appendTo(line)
    const box = $('<div>', { class: 'ocppflow-findings plain' }).appendTo(part)
    input.typedInput({ default: 'json', types: ['json', 'jsonata'] })
    input.typedInput('width', '100%')
    input.typedInput('type', rule.answerType || 'json')
    input.typedInput('value', rule.answer || '')

    /** [rules of a version, type of the Response] for the version chosen, or the newest that has the action. */
    async function target () {
      const version = item.find('.ocppflow-rule-version').val()
      const action = item.find('.ocppflow-rule-action').val().trim()
      for (const each of version ? [version] : VERSIONS) {
        const table = await schema.table(each)
        if (table.actions[action] && table.actions[action].response) return [table, table.actions[action].response]
      }
      return null
    }
    async function check () {
      const isJson = input.typedInput('type') === 'json'
      const found = isJson ? await target() : null
      box.toggle(found !== null)
      if (found) schema.show(box, found[0], found[1], input.typedInput('value') || '{}')
    }
    button.on('click', async () => {
      const found = await target()
      if (!found) return
      const now = '$now()'
      const text = JSON.stringify(schema.template(found[0], found[1], now))
      // A moment cannot be fixed: with one in it, the answer is an expression that is worked out anew each time.
      const isFixed = !text.includes(`"${now}"`)
      input.typedInput('type', isFixed ? 'json' : 'jsonata')
      input.typedInput('value', isFixed ? text : text.replaceAll(`"${now}"`, now))
      check()
    })
    input.on('change', () => { check(); changed() })
    return { part, check, read: () => ({ answerType: input.typedInput('type'), answer: input.typedInput('value') }) }
  }

  function edit (node, list, actions) {
    const t = (key, values) => node._(`ocpp-router.${key}`, values)
    const { schema, itemsOf, VERSIONS } = window.ocppflow
    const names = new Set()
    Promise.all(VERSIONS.map((version) => schema.table(version))).then((tables) => {
      tables.forEach((table) => Object.keys(table.actions).forEach((name) => names.add(name)))
      ;[...names].sort().forEach((value) => $('<option>', { value }).appendTo(actions))
    })

    function addItem (item, index, row) {
      const { rule, origin } = $.extend({ rule: { kind: 'Request' }, origin: null }, row)
      item.css('overflow', 'hidden')
      const first = $('<div>', { class: 'ocppflow-row' }).appendTo(item)
      const second = $('<div>', { class: 'ocppflow-row' }).appendTo(item)
      const text = (name, more) => $('<input>', {
        type: 'text', class: `ocppflow-rule-${name}`, placeholder: t(`placeholder.${name}`), 'aria-label': t(`label.${name}`), ...more
      }).val(rule[name] || '')
      const kind = select(KINDS, KINDS.map((value) => t(`kind.${value || 'any'}`)), 'kind').val(rule.kind || '')
      const action = text('action', { list: $(actions).attr('id') })
      const version = select(['', ...VERSIONS], [t('version.any'), ...VERSIONS.map((value) => `OCPP ${value}`)], 'version')
      const answers = $('<input>', { type: 'checkbox', class: 'ocppflow-rule-answers' }).prop('checked', Boolean(rule.answers))
      const label = $('<label>', { class: 'ocppflow-check' }).css({ width: 'auto', margin: 0, flex: '1 1 0' })
        .append(answers, document.createTextNode(t('label.answers')))
      const number = $('<span>', { class: 'ocppflow-rule-number' })
      first.append(kind, action, number)
      second.append(version.val(rule.version || ''), text('station'), label)
      const answer = answerOf(node, item, rule, changed)

      function show () {
        const isRequest = kind.val() === 'Request'
        action.toggle(kind.val() !== 'Connection')
        label.css('visibility', isRequest ? 'visible' : 'hidden')
        answer.part.toggle(isRequest && answers.prop('checked'))
        answer.check()
      }
      item.data('read', () => ({
        origin,
        rule: {
          kind: kind.val(),
          version: version.val(),
          action: action.val().trim(),
          station: item.find('.ocppflow-rule-station').val().trim(),
          ...(kind.val() === 'Request' && answers.prop('checked') ? { answers: true, ...answer.read() } : {})
        }
      }))
      item.on('input change', 'input, select', show)
      show()
      changed()
    }

    function changed () {
      itemsOf(list).forEach((item, index) => $(item).find('.ocppflow-rule-number').text(`→ ${index + 1}`))
    }

    $(list).editableList({
      addButton: t('add'), removable: true, sortable: true, height: 'auto', addItem, removeItem: changed, sortItems: changed
    })
    ;(node.rules || []).forEach((rule, origin) => $(list).editableList('addItem', { rule, origin }))
    return { rows: () => itemsOf(list).map((item) => $(item).data('read')()) }
  }

  window.ocppflow = Object.assign(window.ocppflow || {}, { rules: Object.assign(logic, { edit }) })
})()
