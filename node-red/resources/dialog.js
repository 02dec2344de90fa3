/* What the edit dialogs of the OCPP nodes share. It is loaded by each of them, because any may be disabled. */
(function () {
  'use strict'
  if (window.ocppflow && window.ocppflow.valid) { return }

  const MODULE = '@ocppflow/node-red-contrib-ocpp'
  const VERSIONS = ['2.1', '2.0.1', '1.6']
  const USUAL_VERSIONS = ['2.0.1']
  const VARIABLE = /^\$\{[^}]+\}$/
  const t = (key, values) => RED._(`${MODULE}/ocppflow-engine:shared.${key}`, values)
  const LEAST_EDITOR_HEIGHT = 96 // px: four lines; where there is less room, the dialog scrolls
  const isBlank = (value) => value === '' || value === undefined || value === null

  $('<link>', { rel: 'stylesheet', href: `resources/${MODULE}/dialog.css` }).appendTo('head')

  /** A property's name as its dialog shows it, before what is wrong with it. */
  function says (opt, key, values) {
    const text = t(key, values)
    return opt && opt.label ? `${opt.label}: ${text}` : text
  }

  /* Each gives true, or a text that says what is wrong. ${NAME}, an environment variable, is always right:
       the runtime puts its value in. */
  const valid = {
    port (value, opt) {
      if (VARIABLE.test(value)) { return true }
      return (/^\d+$/.test(String(value)) && Number(value) <= 65535) || says(opt, 'error.port')
    },
    number (value, opt) {
      if (isBlank(value) || VARIABLE.test(value)) { return true }
      return (/^\d+(\.\d+)?$/.test(String(value).trim())) || says(opt, 'error.number')
    },
    versions (value, opt) {
      const names = isBlank(value) ? [] : namesOf(value)
      return (names.length > 0 && names.every((name) => VERSIONS.includes(name))) || says(opt, 'error.versions')
    },
    path (value, opt) {
      return isBlank(value) || !/[?#\s]/.test(value) || says(opt, 'error.path')
    },
    /** An identity that a station of one of `versions` may have. */
    identity (value, opt, versions) {
      if (VARIABLE.test(value)) { return true }
      const fault = window.ocppflow.stationRules.identityFault(String(value || '').trim(), versions)
      return !fault || says(opt, `station.${fault}`)
    },
    /** A version to be assumed, which has to be one of `versions`. */
    assumed (value, opt, versions) {
      return isBlank(value) || versions.includes(value) || says(opt, 'error.assumed', { version: value })
    },
    messageSize (value, opt) {
      if (isBlank(value) || VARIABLE.test(value)) { return true }
      const size = /^\d+$/.test(String(value).trim()) ? Number(value) : NaN
      const [least, most] = window.ocppflow.stationRules.MESSAGE_SIZE
      return (size >= least && size <= most) || says(opt, 'error.messageSize', { least, most })
    },
    /** The URL of a CSMS, with or without {identity} in its path or query. */
    url (value, opt) {
      if (VARIABLE.test(value)) { return true }
      if (isBlank(value)) { return says(opt, 'error.required') }
      const text = String(value).trim().replace(/\$\{[^}]+\}/g, '1')
      let url
      try { url = new URL(text) } catch (error) { return says(opt, 'error.url') }
      if (url.protocol !== 'ws:' && url.protocol !== 'wss:') { return says(opt, 'error.url') }
      if (url.username || url.password) { return says(opt, 'error.urlPassword') }
      if (/^\w+:\/\/[^/?]*\{identity\}/.test(text)) { return says(opt, 'error.urlIdentity') }
      return !/[\s#]/.test(text) || says(opt, 'error.urlFragment')
    },
    /** A certificate is needed where `needed` says so; a chosen configuration node must be there and be sound. */
    reference (value, opt, needed) {
      if (isBlank(value) || value === '_ADD_') { return !needed || says(opt, 'error.required') }
      const node = RED.nodes.node(value)
      if (!node) { return says(opt, 'error.reference') }
      return node.valid !== false || says(opt, 'error.referenceInvalid')
    }
  }

  /** The dialog's tabs: [[id of the section, label], ...]. */
  function tabs (list, sections) {
    const made = RED.tabs.create({
      element: list,
      onchange (tab) {
        sections.forEach(([id]) => $(`#${id}`).toggle(id === tab.id))
        RED.tray.resize()
      }
    })
    sections.forEach(([id, label]) => made.addTab({ id, label }))
    return made
  }

  const namesOf = (versions) => (typeof versions === 'string' ? versions.split(',').map((name) => name.trim()) : versions || USUAL_VERSIONS)

  /** Check boxes, one per version; the newest comes first, because that is the order in which they are offered. */
  function showVersions (container, node) {
    const chosen = namesOf(node.versions)
    const box = $(container).data('node', node.id).empty()
    VERSIONS.forEach((version) => {
      const input = $('<input>', { type: 'checkbox', value: version }).prop('checked', chosen.includes(version))
      $('<label>').append(input).append(document.createTextNode(version)).appendTo(box)
    })
    box.on('change', () => box.toggleClass('input-error', readVersions(container).length === 0))
  }

  function readVersions (container) {
    return $(container).find('input:checked').map((_, input) => input.value).get()
  }

  /** The versions of a node: as its dialog shows them, if it is open. */
  function versionsOf (node, container) {
    return $(container).data('node') === node.id ? readVersions(container) : namesOf(node.versions)
  }

  /** A flow of the older format lacks what is new: show what the node does without it. */
  function showUsual (node, names) {
    names.filter((name) => node[name] === undefined).forEach((name) => {
      const usual = node._def.defaults[name].value
      $(`#node-input-${name}`).val(usual).prop('checked', usual === true)
    })
  }

  /** Gives `box`, with a code editor in it, the height that the rest of the dialog leaves, so that all of it is in sight. */
  function fitEditor (box, editor) {
    const dialog = $(box).closest('.ocppflow-dialog')
    const form = dialog.closest('#dialog-form')
    const room = form.height() - (dialog.outerHeight(true) - $(box).height())
    $(box).height(Math.max(room, LEAST_EDITOR_HEIGHT))
    editor.resize()
  }

  /** The items of an editable list, without those that are just fading away. */
  function itemsOf (list) {
    const isGoing = (item) => $(item).closest('li').is('.red-ui-editableList-item-deleting')
    return $(list).editableList('items').get().filter((item) => !isGoing(item))
  }

  /** What the outputs become when the dialog is left with Done: `kept[new]` is the number an output had, or null. */
  function setOutputs (node, kept) {
    const map = {}
    for (let old = 0; old < node.outputs; old++) map[old] = kept.indexOf(old)
    kept.forEach((old, index) => { if (old === null) map[`_${index}`] = index })
    $('#node-input-outputs').val(JSON.stringify(map))
  }

  /** The outputs of a CSMS or CS node: the third is there if the log is. */
  function setLogOutput (node) {
    const log = $('#node-input-ocpp_logging').prop('checked') ? [node.outputs > 2 ? 2 : null] : []
    setOutputs(node, [0, 1, ...log])
  }

  window.ocppflow = Object.assign(window.ocppflow || {}, {
    MODULE,
    VERSIONS,
    t,
    valid,
    tabs,
    showVersions,
    readVersions,
    versionsOf,
    showUsual,
    fitEditor,
    itemsOf,
    setOutputs,
    setLogOutput,
    outputLabels: ['all', 'link call', 'ocpp log']
  })
})()
