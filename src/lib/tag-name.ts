import { singleLine } from './single-line.ts'

const MAX_NAME = 60
/** Characters of the longest name that can be compared: a ligature can be twenty letters in compatibility form. */
const MAX_TAG_KEY = 240

/** A name as it is compared: in compatibility form, ignoring case. */
export function tagNameKey(name: string): string {
  // Lower case can come apart again, so it is composed after it as well.
  return name.normalize('NFKC').toLowerCase().normalize('NFKC')
}

/** The name of a tag: one line of 1 to 60 characters, trimmed. */
export const tagName = singleLine({ min: 1, max: MAX_NAME }).refine(
  (name) => [...name].length > MAX_NAME || [...tagNameKey(name)].length <= MAX_TAG_KEY,
  'holds letters that are too many written out',
)
