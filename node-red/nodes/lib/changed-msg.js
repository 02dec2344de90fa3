'use strict'
/**
 * `msg` with `members` put in: the same object, so that all else of it survives. If it lets nothing be put in (it is
 * frozen or sealed, or has a member that cannot be written), a copy: what a station has answered must not be lost.
 */
function changedMsg (msg, members) {
  // A link out node takes its entry out of this array.
  const isStuck = Array.isArray(msg._linkSource) && Object.isFrozen(msg._linkSource)
  if (!isStuck) {
    try {
      return Object.assign(msg, members)
    } catch {} // then a copy
  }
  const copy = { ...msg, ...members }
  if (isStuck) copy._linkSource = [...msg._linkSource]
  return copy
}

module.exports = { changedMsg }
