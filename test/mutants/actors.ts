// Actors of the strangers law by their names; the fewest that see a thing are the fastest.

/** May do all there is in an organization of their own. */
export const owner = 'the owner of another organization'
/** A member of the victim's organization to whom nothing of it is open. */
export const guest = 'a guest of the organization'
export const removed = 'a removed member'
export const expired = 'somebody with an expired token'
export const nobody = 'nobody'

/** Who notices in the strangers law: an actor, at these root fields. */
export function strangers(actors: string, ...through: readonly string[]) {
  return { killers: { actors, through } }
}
