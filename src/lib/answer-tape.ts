// An answer as one growing string: its text, and in between what the model thought, each stretch of which a mark begins. The
// tape of a part of an answer is the beginning of the tape of the whole, so that one place says how much somebody knows.

const THOUGHT = '\u000e'
const TEXT = '\u000f'

/** What a stretch of an answer is. */
export type StretchKind = 'TEXT' | 'REASONING'

/** What a model thought before it went on writing. */
export interface Thought {
  /** UTF-16 units of the text that come before it. */
  readonly at: number
  readonly text: string
}

/** An answer, apart. */
export interface Answer {
  readonly text: string
  readonly thoughts: readonly Thought[]
}

/** A stretch of one kind. */
export interface Stretch {
  readonly kind: StretchKind
  /** UTF-16 units of that kind that come before it. */
  readonly index: number
  readonly text: string
}

/** What cannot be mistaken for a mark. */
export function withoutMarks(text: string): string {
  return text.replaceAll(THOUGHT, '\ufffd').replaceAll(TEXT, '\ufffd')
}

/** What is on a part of a tape, whatever it is: its text and thoughts without what stands between them. */
export function contentOf(tape: string): string {
  return tape.replaceAll(THOUGHT, '').replaceAll(TEXT, '')
}

/** What to append to a tape that ends in the one kind, to go on in the other; a new thought begins where `isNew`. */
export function markTo(kind: StretchKind, from: StretchKind, isNew = false): string {
  if (kind === 'REASONING') return from === 'TEXT' || isNew ? THOUGHT : ''
  return from === 'TEXT' ? '' : TEXT
}

/** An answer as a tape; `readTape` is the other way. */
export function tapeOf({ text, thoughts }: Answer): string {
  let tape = ''
  let told = 0
  let kind: StretchKind = 'TEXT'
  for (const thought of thoughts) {
    if (thought.at > told) {
      tape += markTo('TEXT', kind) + text.slice(told, thought.at)
      told = thought.at
    }
    tape += THOUGHT + thought.text
    kind = 'REASONING'
  }
  return told < text.length ? tape + markTo('TEXT', kind) + text.slice(told) : tape
}

/** The answer on a tape. */
export function readTape(tape: string): Answer {
  if (!tape.includes(THOUGHT)) return { text: tape, thoughts: [] }
  const [first = '', ...others] = tape.split(THOUGHT)
  let text = first
  const thoughts = others.map((stretch) => {
    const end = stretch.indexOf(TEXT)
    const thought = { at: text.length, text: end === -1 ? stretch : stretch.slice(0, end) }
    if (end !== -1) text += stretch.slice(end + 1)
    return thought
  })
  return { text, thoughts }
}

/** A place on a tape: how much of it is known, and how much of either kind that is. */
export interface TapePlace {
  readonly offset: number
  readonly kind: StretchKind
  readonly units: Readonly<Record<StretchKind, number>>
}

/** Before all of it. */
export const tapeStart: TapePlace = { offset: 0, kind: 'TEXT', units: { TEXT: 0, REASONING: 0 } }

/** What follows a place on a tape, up to the next mark behind it, and the place after that; null when nothing does. */
export function nextStretch(tape: string, place: TapePlace): { stretch: Stretch; place: TapePlace } | null {
  let { offset, kind } = place
  for (let mark = tape[offset]; mark === THOUGHT || mark === TEXT; mark = tape[offset]) {
    kind = mark === THOUGHT ? 'REASONING' : 'TEXT'
    offset += 1
  }
  if (offset >= tape.length) return null
  const end = endOfStretch(tape, offset)
  const text = tape.slice(offset, end)
  const index = place.units[kind]
  const units = { ...place.units, [kind]: index + text.length }
  return { stretch: { kind, index, text }, place: { offset: end, kind, units } }
}

/** The place that so much of a tape comes to. */
export function placeOn(tape: string, offset: number): TapePlace {
  const known = tape.slice(0, offset)
  let place = tapeStart
  for (let next = nextStretch(known, place); next !== null; next = nextStretch(known, place)) place = next.place
  return { ...place, offset, kind: lastKind(known) }
}

function endOfStretch(tape: string, from: number): number {
  const ends = [tape.indexOf(THOUGHT, from), tape.indexOf(TEXT, from)].filter((index) => index !== -1)
  return Math.min(tape.length, ...ends)
}

function lastKind(tape: string): StretchKind {
  return tape.lastIndexOf(THOUGHT) > tape.lastIndexOf(TEXT) ? 'REASONING' : 'TEXT'
}
