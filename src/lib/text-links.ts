import type { TextAttributes } from './text-attributes.ts'
import { decodeTypeId } from './typeid.ts'

/** How many links a text is taken to have at most: the first ones. */
export const MAX_TEXT_LINKS = 100

/** Characters of the longest address that can be linked to, as it is normalized. */
export const MAX_LINK_LENGTH = 2_048

/** What a text leads to. Whether it is there is for others to say. */
export type TextLink =
  | { readonly kind: 'PAGE' | 'BLOCK'; readonly targetId: string; readonly url: null }
  | { readonly kind: 'URL'; readonly targetId: null; readonly url: string }

/** A stretch of text that is formatted alike. */
interface Run {
  readonly text: string
  readonly attributes: TextAttributes
}

// An address ends where writing does: at white space, at brackets and quotes that no address has, at the punctuation of
// Chinese and Japanese, which leaves no space behind.
const address = /(?<![A-Za-z0-9])https?:\/\/[^\s\p{Cc}<>"`{}|\\^“”„‟«»…。，、；：？！（）「」『』【】《》〈〉]+/u
const id = /(?<![A-Za-z0-9_])(?:page|block)_[0-7][0-9a-hjkmnp-tv-z]{25}(?![A-Za-z0-9_])/u
const bare = new RegExp(`${address.source}|${id.source}`, 'giu')

/**
 * What a text leads to, in the order it says so, each once: what is linked or mentioned by formatting, http and https
 * addresses that are written out, and the ids of pages and blocks. What is written as code is shown and not followed.
 */
export function linksIn(runs: readonly Run[], { isCode }: { readonly isCode: boolean }): TextLink[] {
  const links = new Map<string, TextLink>()
  for (const link of everyLink(runs, isCode)) {
    links.set(linkKey(link), link)
    if (links.size === MAX_TEXT_LINKS) break
  }
  return [...links.values()]
}

/** What makes two links from one block the same. */
export function linkKey({
  kind,
  targetId,
  url,
}: {
  kind: string
  targetId: string | null
  url: string | null
}): string {
  return `${kind} ${targetId ?? url}`
}

/** An address in the one form in which it is kept, or null when it is none that can be linked to. */
export function linkAddress(text: string): string | null {
  if (!/^(?:https?:\/\/|mailto:)/i.test(text) || !text.isWellFormed() || !URL.canParse(text)) return null
  const { href, hostname, protocol } = new URL(text)
  if (href.length > MAX_LINK_LENGTH) return null
  return protocol === 'mailto:' || /[a-z0-9]/i.test(hostname) ? href : null
}

/** What an id leads to, if it is one of a page or a block. */
export function linkedId(text: string): TextLink | null {
  const decoded = decodeTypeId(text)
  if (decoded?.prefix === 'page') return { kind: 'PAGE', targetId: decoded.uuid, url: null }
  if (decoded?.prefix === 'block') return { kind: 'BLOCK', targetId: decoded.uuid, url: null }
  return null
}

function* everyLink(runs: readonly Run[], isCode: boolean): Generator<TextLink> {
  // Formatting may begin in the midst of an address.
  let plain = ''
  for (const { text, attributes } of runs) {
    const { link, mention, code } = attributes
    if (link === undefined && mention === undefined && code !== true) {
      plain += text
      continue
    }
    if (!isCode) yield* bareLinks(plain)
    plain = ''
    for (const value of [link, mention]) {
      const found = value === undefined ? null : linkTo(value)
      if (found !== null) yield found
    }
  }
  if (!isCode) yield* bareLinks(plain)
}

function* bareLinks(text: string): Generator<TextLink> {
  for (const [found] of text.matchAll(bare)) {
    const link = /^http/i.test(found) ? linkTo(withoutEnd(found)) : linkedId(found)
    if (link !== null) yield link
  }
}

function linkTo(value: string): TextLink | null {
  const inside = linkedId(value)
  if (inside !== null) return inside
  const url = linkAddress(value)
  return url === null ? null : { kind: 'URL', targetId: null, url }
}

const brackets: Readonly<Record<string, string>> = { ')': '(', ']': '[' }

/** An address without what belongs to the sentence: punctuation, and brackets that were not opened in it. */
function withoutEnd(found: string): string {
  const counts = new Map<string, number>()
  for (const character of found) counts.set(character, (counts.get(character) ?? 0) + 1)
  let end = found.length
  for (; end > 0; end -= 1) {
    const last = found.charAt(end - 1)
    const opening = brackets[last]
    const isExtra = opening !== undefined && (counts.get(last) ?? 0) > (counts.get(opening) ?? 0)
    if (!isExtra && !/[?!.,:;*_~'’‘]/.test(last)) break
    counts.set(last, (counts.get(last) ?? 0) - 1)
  }
  return found.slice(0, end)
}
