'use strict'
/**
 * `msg` with `members` put in: the same object, so that all else of it survives. If it lets nothing be put in (it is
 * frozen or sealed, or has a member that cannot be written), a copy: what a station has answered must not be lost.
 */
function changedMsg (msg, members) {
  try {
    return Object.assign(msg, members)
  } catch {
    const copy = { ...msg, ...members }
    // A link out node takes its entry out of this array.
    if (Array.isArray(copy._linkSource)) copy._linkSource = [...copy._linkSource]
    return copy
  }
}

module.exports = { changedMsg }
