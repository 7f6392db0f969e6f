import { NIL } from 'uuid'
import { z } from 'zod'
import { decodeTypeId, encodeTypeId } from '../lib/typeid.ts'

/** `DeviceSession` + a UUID → `device_session_01jd…`. */
export function encodeGlobalId(typename: string, uuid: string): string {
  return encodeTypeId(typename.replace(/(?<=.)[A-Z]/g, '_$&').toLowerCase(), uuid)
}

/** `device_session_01jd…` → `DeviceSession` + its UUID; garbage names no type. Never throws. */
export function decodeGlobalId(id: string): { typename: string; id: string } {
  const decoded = decodeTypeId(id)
  if (decoded === null) return { typename: '', id: NIL }
  return {
    typename: decoded.prefix.replace(/(?:^|_)([a-z])/g, (_match, letter: string) => letter.toUpperCase()),
    id: decoded.uuid,
  }
}

/**
 * The UUID in an id of this type. An id of another type, or garbage, becomes the nil UUID, which no row has: so the
 * noun's gate answers for it exactly as for an absent one.
 */
export function uuidOf(typename: string, id: string): string {
  const decoded = decodeGlobalId(id)
  return decoded.typename === typename ? decoded.id : NIL
}

/** A zod field for an id of this type; see `uuidOf`. */
export function idOf(typename: string) {
  return z.string().transform((id) => uuidOf(typename, id))
}

/** A field for the id of a person or an agent. */
export const actorId = z.string().transform((id) => {
  const decoded = decodeTypeId(id)
  return idOf(decoded?.prefix === 'agent' ? 'Agent' : 'User').parse(id)
})
