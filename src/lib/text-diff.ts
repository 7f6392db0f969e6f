import diff from 'fast-diff'

/** One step from a text to another: so many UTF-16 code units are kept or deleted, or a text is inserted. */
export type TextStep = { readonly keep: number } | { readonly remove: number } | { readonly insert: string }

// The work grows with the length times the difference: beyond this words are compared, or nothing is.
const MAX_COMPARED = 4_000

/**
 * The steps from one text to another, as few as can be found in bounded time; none splits a surrogate pair. What both
 * begin and end with is always kept.
 */
export function textDiff(from: string, to: string): TextStep[] {
  const start = commonStart(from, to)
  const end = commonEnd(from.slice(start), to.slice(start))
  const middle = middleSteps(from.slice(start, from.length - end), to.slice(start, to.length - end))
  const steps: TextStep[] = [{ keep: start }, ...middle, { keep: end }]
  return steps.filter((step) => !('keep' in step) || step.keep > 0)
}

function middleSteps(from: string, to: string): TextStep[] {
  if (from === '' || to === '') return replacing(from, to)
  // As characters, since a code unit on its own may be half of one.
  const units = inUnits(from, to, /./gsu) ?? inUnits(from, to, /[\p{L}\p{N}]+|\s+|./gsu)
  if (units === null) return replacing(from, to)
  return diff(units.from, units.to, undefined, true).flatMap(([kind, coded]): TextStep[] => {
    const text = units.decode(coded)
    if (kind === diff.EQUAL) return [{ keep: text.length }]
    return kind === diff.DELETE ? [{ remove: text.length }] : [{ insert: text }]
  })
}

function replacing(from: string, to: string): TextStep[] {
  return [...(from === '' ? [] : [{ remove: from.length }]), ...(to === '' ? [] : [{ insert: to }])]
}

/** Both texts with one code unit for each part of them; null when they have too many parts. */
function inUnits(from: string, to: string, part: RegExp) {
  const parts = [from.match(part) ?? [], to.match(part) ?? []] as const
  if (parts[0].length + parts[1].length > MAX_COMPARED) return null
  const known: string[] = []
  const codes = new Map<string, string>()
  const coded = (list: readonly string[]) =>
    list
      .map((text) => {
        const code = codes.get(text) ?? String.fromCharCode(known.length)
        if (!codes.has(text)) {
          codes.set(text, code)
          known.push(text)
        }
        return code
      })
      .join('')
  const decode = (units: string) => Array.from(units, (unit) => known[unit.charCodeAt(0)] ?? '').join('')
  return { from: coded(parts[0]), to: coded(parts[1]), decode }
}

function commonStart(one: string, other: string): number {
  const most = Math.min(one.length, other.length)
  let length = 0
  while (length < most && one.charCodeAt(length) === other.charCodeAt(length)) length += 1
  return length > 0 && isHighSurrogate(one.charCodeAt(length - 1)) ? length - 1 : length
}

function commonEnd(one: string, other: string): number {
  const most = Math.min(one.length, other.length)
  let length = 0
  while (length < most && one.charCodeAt(one.length - 1 - length) === other.charCodeAt(other.length - 1 - length))
    length += 1
  return length > 0 && isLowSurrogate(one.charCodeAt(one.length - length)) ? length - 1 : length
}

/** Whether a text can be cut here: not in the middle of a character. */
export function isBetweenCharacters(text: string, index: number): boolean {
  return !(isHighSurrogate(text.charCodeAt(index - 1)) && isLowSurrogate(text.charCodeAt(index)))
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}
