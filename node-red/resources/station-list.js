/* The list of stations and passwords in the CSMS node's dialog.

   No password ever comes to the editor: the server names the identities, and what is sent back is what the user has
   changed, as the credential `auth_changes`: {"rename": {old: new}, "remove": [identity], "set": {identity: password}}.
   The runtime applies it to the list that it has, in this order. */
(function () {
  'use strict'
  const KEPT = '__PWRD__' // Node-RED's own sign for a password that is there and stays

  /** Rows from the identities on the server and the changes made here that are not deployed yet. */
  function rowsOf (identities, changes) {
    const { rename = {}, remove = [], set = {} } = changes || {}
    const taken = new Set(Object.values(rename))
    const rows = identities
      .filter((origin) => Object.hasOwn(rename, origin) || !(taken.has(origin) || remove.includes(origin)))
      .map((origin) => ({ origin, identity: Object.hasOwn(rename, origin) ? rename[origin] : origin, password: KEPT }))
    for (const [identity, password] of Object.entries(set)) {
      const row = rows.find((each) => each.identity === identity)
      if (row) { row.password = password } else { rows.push({ origin: null, identity, password }) }
    }
    return rows
  }

  /** What the rows change of the identities on the server; null if nothing. */
  function changesOf (identities, rows) {
    const isKept = (row) => row.origin !== null && row.password === KEPT
    const kept = rows.filter(isKept)
    const rename = kept.filter((row) => row.origin !== row.identity).map((row) => [row.origin, row.identity])
    const set = rows.filter((row) => !isKept(row)).map((row) => [row.identity, row.password])
    const named = new Set([...rows.map((row) => row.identity), ...rename.map(([origin]) => origin)])
    const remove = identities.filter((identity) => !named.has(identity))
    // fromEntries, not assignment: "__proto__" is a name like any other.
    return rename.length || remove.length || set.length
      ? { rename: Object.fromEntries(rename), remove, set: Object.fromEntries(set) }
      : null
  }

  /**
   * What is wrong with the rows of stations that speak one of `versions`: [{index, field, key}], `key` being that of a text.
   * What `isDoubt` is told and no more: the engine takes a password that no station of the standard may have.
   */
  function faultsOf (rows, versions, stationRules) {
    return rows.flatMap(({ identity, password }, index) => {
      const found = []
      const isAgain = rows.findIndex((other) => other.identity === identity) !== index
      const impossible = stationRules.identityFault(identity, versions)
      if (!identity) found.push({ index, field: 'identity', key: 'fault.identity' })
      else if (isAgain) found.push({ index, field: 'identity', key: 'fault.twice' })
      else if (impossible) found.push({ index, field: 'identity', key: impossible, isShared: true })
      const doubt = password && password !== KEPT ? stationRules.passwordFault(password, versions) : ''
      if (!password) found.push({ index, field: 'password', key: 'fault.password' })
      else if (doubt) found.push({ index, field: 'password', key: doubt, isShared: true, isDoubt: true })
      return found
    })
  }

  const logic = { KEPT, rowsOf, changesOf, faultsOf }
  if (typeof module !== 'undefined' && module.exports) { module.exports = logic; return }

  /** Shows the list of `node`, whose `versions` have check boxes in the dialog; the answer's `save()` puts the changes into
      the node's credentials. */
  function edit (node, list, tip, versions) {
    const t = (key, values) => node._(`csms.stations.${key}`, values)
    let identities = null

    $(list).editableList({
      addButton: t('add'),
      removable: true,
      sortable: false,
      height: 'auto',
      addItem (item, _, row) {
        const data = $.extend({ origin: null, identity: '', password: '' }, row)
        item.data('row', data)
        const line = $('<div>', { class: 'ocppflow-row' }).appendTo(item)
        const identity = $('<input>', { type: 'text', class: 'ocppflow-identity', placeholder: t('identity') })
        const password = $('<input>', { type: 'password', class: 'ocppflow-password', placeholder: t('password') })
        identity.val(data.identity).attr('aria-label', t('identity')).appendTo(line)
        password.val(data.password).attr({ 'aria-label': t('password'), autocomplete: 'new-password' }).appendTo(line)
        // What is typed replaces a password, and does not go on after the sign for the one that is kept.
        password.on('focus', function () { if (this.value === KEPT) { this.select() } })
        line.on('input', show)
        if (!data.identity) { identity.trigger('focus') }
        show()
      },
      removeItem: () => show()
    })

    function rows () {
      return window.ocppflow.itemsOf(list).map((item) => ({
        origin: $(item).data('row').origin,
        identity: $(item).find('.ocppflow-identity').val().trim(),
        password: $(item).find('.ocppflow-password').val()
      }))
    }

    function show () {
      const current = rows()
      const { stationRules, versionsOf, itemsOf } = window.ocppflow
      const faults = faultsOf(current, versionsOf(node, versions), stationRules)
      itemsOf(list).forEach((item, index) => ['identity', 'password'].forEach((field) => {
        const [fault] = faults.filter((each) => each.index === index && each.field === field)
        $(item).find(`.ocppflow-${field}`).attr('title', fault ? saying(fault, current) : null)
          .toggleClass('input-error', Boolean(fault && !fault.isDoubt)).toggleClass('ocppflow-doubt', Boolean(fault && fault.isDoubt))
      }))
      const first = faults.find((fault) => !fault.isDoubt) || faults[0]
      const text = first ? saying(first, current) : current.length ? '' : t('none')
      $(tip).text(text).toggle(identities !== null && text !== '')
    }

    /** A fault in words; what this list does not say by itself begins with the station's name. */
    function saying ({ index, key, isShared }, current) {
      return isShared ? `${current[index].identity}: ${window.ocppflow.t(`station.${key}`)}` : t(key)
    }

    function fill (found) {
      identities = found
      let pending = null
      const typed = node.credentials && node.credentials.auth_changes
      if (typed && typed !== KEPT) { pending = JSON.parse(typed) }
      rowsOf(found, pending).forEach((row) => $(list).editableList('addItem', row))
      show()
    }

    $(versions).on('change', show)
    $.getJSON(`ocppflow/csms/${encodeURIComponent(node.id)}/stations`)
      .done((answer) => fill(answer.stations))
      .fail((answer) => {
        $(list).editableList('hide')
        $(tip).text(t('unreachable', { status: answer.status })).show()
      })

    return {
      save () {
        if (identities === null) { return }
        const sound = rows().filter((row) => row.identity && row.password)
        const changes = changesOf(identities, sound)
        const before = node.credentials.auth_changes
        if (changes === null && !before) { return }
        node.credentials.auth_changes = changes === null ? '' : JSON.stringify(changes)
        node.credentials.has_auth_changes = changes !== null
      }
    }
  }

  window.ocppflow = Object.assign(window.ocppflow || {}, { stations: Object.assign(logic, { edit }) })
})()
