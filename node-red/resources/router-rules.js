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

  /** The names in a rule's `action` that no version it is for has: no msg can bear them. `actionsOf`: version -> names. */
  function unknownActions ({ kind, version, action }, actionsOf) {
    if (kind === 'Connection') return []
    const names = (action || '').split(',').map((name) => name.trim()).filter((name) => name && !/[*?]/.test(name))
    const versions = version ? [version] : Object.keys(actionsOf)
    return names.filter((name) => !versions.some((each) => actionsOf[each].includes(name)))
  }

  const logic = { labelOf, faultsOf, outputsOf, unknownActions }
  if (typeof module !== 'undefined' && module.exports) {
    module.exports = logic
    return
  }

  function select (values, texts, name, label) {
    const list = $('<select>', { class: `ocppflow-rule-${name}`, 'aria-label': label })
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
      const known = await target()
      const found = input.typedInput('type') === 'json' ? known : null
      button.prop('disabled', known === null).attr('title', t(known === null ? 'title.noTemplate' : 'title.template'))
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

  function edit (node, list, actions, tip) {
    const t = (key, values) => node._(`ocpp-router.${key}`, values)
    const { schema, itemsOf, VERSIONS } = window.ocppflow
    let actionsOf = null // until the tables are there, any action may be right
    Promise.all(VERSIONS.map((version) => schema.table(version))).then((tables) => {
      actionsOf = Object.fromEntries(tables.map((table) => [table.version, Object.keys(table.actions)]))
      const names = new Set(Object.values(actionsOf).flat())
      ;[...names].sort().forEach((value) => $('<option>', { value }).appendTo(actions))
      changed()
    })

    function addItem (item, index, row) {
      const { rule, origin } = $.extend({ rule: { kind: 'Request' }, origin: null }, row)
      item.css('overflow', 'hidden')
      const first = $('<div>', { class: 'ocppflow-row' }).appendTo(item)
      const second = $('<div>', { class: 'ocppflow-row' }).appendTo(item)
      const text = (name, more) => $('<input>', {
        type: 'text', class: `ocppflow-rule-${name}`, placeholder: t(`placeholder.${name}`), 'aria-label': t(`label.${name}`), ...more
      }).val(rule[name] || '')
      const kind = select(KINDS, KINDS.map((value) => t(`kind.${value || 'any'}`)), 'kind', t('label.kind')).val(rule.kind || '')
      const action = text('action', { list: $(actions).attr('id') })
      const version = select(['', ...VERSIONS], [t('version.any'), ...VERSIONS.map((value) => `OCPP ${value}`)], 'version', t('label.version'))
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
        changed()
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

    const readAll = () => itemsOf(list).filter((item) => $(item).data('read')).map((item) => $(item).data('read')())

    /** Numbers the outputs, and says below the list what leaves the last ones, and which rule cannot be met. */
    function changed () {
      const rules = readAll().map((row) => row.rule)
      const doubts = rules.map((rule) => (actionsOf ? unknownActions(rule, actionsOf) : []))
      itemsOf(list).forEach((item, index) => {
        const [name] = doubts[index] || []
        $(item).find('.ocppflow-rule-number').text(t('port', { n: index + 1 }))
        $(item).find('.ocppflow-rule-action').toggleClass('ocppflow-doubt', name !== undefined)
      })
      const others = t('tip.others', { n: rules.length + 1 })
      const answers = rules.some(doesAnswer) ? t('tip.answers', { n: rules.length + 2 }) : ''
      const index = doubts.findIndex((names) => names.length)
      const doubt = index < 0 ? '' : t('tip.unknown', { n: index + 1, action: doubts[index][0], version: rules[index].version || VERSIONS.join(', ') })
      $(tip).empty().append([doubt, others, answers, t('tip.names')].filter(Boolean).map((text) => $('<div>').text(text)))
    }

    $(list).editableList({
      addButton: t('add'), removable: true, sortable: true, height: 'auto', addItem, removeItem: changed, sortItems: changed
    })
    ;(node.rules || []).forEach((rule, origin) => $(list).editableList('addItem', { rule, origin }))
    return { rows: readAll }
  }

  window.ocppflow = Object.assign(window.ocppflow || {}, { rules: Object.assign(logic, { edit }) })
})()
