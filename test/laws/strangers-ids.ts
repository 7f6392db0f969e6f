import { encodeGlobalId } from '../../src/graphql/ids.ts'
import { newUuid } from '../../src/platform/uuid.ts'
import { uuidIn } from '../kit/people.ts'
import type { Ids, Noun } from './probe.ts'

/** An id of the type that nothing has. */
export function randomId(noun: Noun): string {
  return encodeGlobalId(noun, newUuid(new Date()))
}

/** What may stand where an id should: other types', other spellings, none at all. */
export function garbageFor(noun: Noun, theirs: Ids): readonly string[] {
  const uuid = uuidIn(theirs[noun])
  return [
    '',
    'garbage',
    uuid,
    encodeGlobalId(noun === 'Page' ? 'Block' : 'Page', uuid),
    encodeGlobalId('DeviceSession', uuid),
    encodeGlobalId('PageInfo', uuid),
    encodeGlobalId('constructor', uuid),
    theirs[noun].toUpperCase(),
    `${theirs[noun]} `,
    `${theirs[noun]}\0`,
    Buffer.from(`${noun}:${uuid}`).toString('base64'),
    '00000000-0000-0000-0000-000000000000',
    encodeGlobalId(noun, '00000000-0000-0000-0000-000000000000'),
    "' or true --",
    'x'.repeat(10_000),
  ]
}
