/* What a CSMS or CS node forgives: the rules for violations of the schema (the property `rules`, in force when `validation`
   is "rules") and the versions that may be assumed. A rule: {vendor, model, identity, action, path, forgive: [kinds]}; a
   pattern that is left out fits everything. A flow may also have a text there, JSON or the name of a file; it is kept. */
(function () {
  'use strict'
  const PATTERNS = ['vendor', 'model', 'identity', 'action', 'path']
  const KINDS = ['missing', 'unknown', 'type', 'value', 'count', 'any']

  /** A rule without what says nothing. */
  function tidy (rule) {
    const given = PATTERNS.filter((name) => (rule[name] || '').trim()).map((name) => [name, rule[name].trim()])
    const forgive = rule.forgive.includes('any') ? ['any'] : KINDS.filter((kind) => rule.forgive.includes(kind))
    return { ...Object.fromEntries(given), forgive }
  }

  /** What is wrong with the rules: [{n: number of the rule, key: of the text, field}]. */
  function faultsOf (rules) {
    if (!rules || !rules.length) return [{ n: 0, key: 'none' }]
    if (typeof rules === 'string') return []
    return rules.flatMap((rule, index) => {
      const found = []
      if (rule.path && !/^(\$|\*\*)/.test(rule.path)) found.push({ n: index + 1, key: 'path', field: 'path' })
      if (!(rule.forgive || []).length) found.push({ n: index + 1, key: 'forgive', field: 'forgive' })
      return found
    })
  }

  const logic = { tidy, faultsOf }
  if (typeof module !== 'undefined' && module.exports) {
    module.exports = logic
    return
  }

  const t = (key, values) => window.ocppflow.t(`rules.${key}`, values)

  /** For the validation of the property `rules`: true, or a text that says what is wrong. */
  logic.valid = (rules, validation) => {
    const [first] = validation === 'rules' ? faultsOf(rules) : []
    return first === undefined || t(`fault.${first.key}`, first)
  }

  function addItem (item, _, rule) {
    const values = { forgive: [], ...rule }
    const field = (name) => $('<input>', { type: 'text', class: `ocppflow-rule-${name}`, placeholder: t(`every.${name}`), 'aria-label': t(`label.${name}`) })
      .val(values[name] || '')
    const row = (...names) => $('<div>', { class: 'ocppflow-row' }).append(names.map(field)).appendTo(item)
    row('vendor', 'model', 'identity')
    row('action', 'path')
    const kinds = $('<div>', { class: 'ocppflow-kinds', title: t('label.forgive') }).appendTo(item)
    KINDS.forEach((value) => {
      const box = $('<input>', { type: 'checkbox', value }).prop('checked', values.forgive.includes(value))
      $('<label>', { title: t(`about.${value}`) }).append(box, document.createTextNode(t(`kind.${value}`))).appendTo(kinds)
    })
  }

  function textField (text) {
    return $('<input>', { type: 'text', class: 'ocppflow-rules-text', title: t('label.file'), 'aria-label': t('label.file') }).val(text)
  }

  function readItem (item) {
    const forgive = $(item).find('.ocppflow-kinds input:checked').map((_, box) => box.value).get()
    return tidy({ forgive, ...Object.fromEntries(PATTERNS.map((name) => [name, $(item).find(`.ocppflow-rule-${name}`).val()])) })
  }

  /**
   * The tab of `node`: the rules in `parts.list`, whose `parts.section` is shown if #node-input-validation is "rules", and
   * what is wrong with them in `parts.tip`. The answer's `read()` gives the rules.
   */
  logic.edit = (node, parts) => {
    const validation = $('#node-input-validation')
    const file = typeof node.rules === 'string' ? textField(node.rules).on('input', show).appendTo($(parts.section)) : null
    const items = () => (file ? [] : window.ocppflow.itemsOf(parts.list))
    const read = () => (file ? file.val().trim() : items().map(readItem))
    function show () {
      $(parts.section).toggle(validation.val() === 'rules')
      const faults = faultsOf(read())
      items().forEach((item, index) => {
        const isAny = $(item).find('.ocppflow-kinds input[value=any]').prop('checked')
        $(item).find('.ocppflow-kinds input').not('[value=any]').prop('disabled', isAny)
        const wrong = faults.filter((fault) => fault.n === index + 1).map((fault) => fault.field)
        $(item).find('.ocppflow-rule-path').toggleClass('input-error', wrong.includes('path'))
        $(item).find('.ocppflow-kinds').toggleClass('input-error', wrong.includes('forgive'))
      })
      const isWrong = validation.val() === 'rules' && faults.length > 0
      $(parts.tip).text(isWrong ? t(`fault.${faults[0].key}`, faults[0]) : window.ocppflow.t(`validation.about.${validation.val()}`))
    }
    validation.on('change', show)
    if (file) {
      $(parts.list).hide()
      show()
      return { read }
    }
    $(parts.list).editableList({
      addButton: t('add'),
      removable: true,
      sortable: false,
      height: 'auto',
      addItem (item, index, rule) {
        addItem(item, index, rule)
        item.on('input change', show)
        show()
      },
      removeItem: show
    })
    ;(node.rules || []).forEach((rule) => $(parts.list).editableList('addItem', rule))
    show()
    return { read }
  }

  /** Keeps the choice of the version to be assumed to those of the node, which `container` has check boxes for. */
  logic.offerVersions = (chosen, select, container) => {
    let value = chosen || ''
    function show () {
      const versions = window.ocppflow.readVersions(container)
      $(select).find('option').slice(1).remove()
      versions.forEach((version) => $('<option>', { value: version, text: t('assume', { version }) }).appendTo(select))
      $(select).val(versions.includes(value) ? value : '')
    }
    $(select).on('change', () => { value = $(select).val() })
    $(container).on('change', show)
    show()
  }

  window.ocppflow = Object.assign(window.ocppflow || {}, { tolerance: logic })
})()
