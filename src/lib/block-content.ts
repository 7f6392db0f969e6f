import { z } from 'zod'

// What each type of block holds beside its text and its children, which every type can have.

// The parser of URLs is lenient about white space and slashes; where texts link to is not.
const address = z
  .string()
  .max(2048)
  .refine((text) => /^https?:\/\/[^\s\p{Cc}]+$/iu.test(text) && URL.canParse(text), 'is no http or https address')
  .nullable()
  .default(null)
const words = (max: number) => z.string().max(max).nullable().default(null)
const pixels = z.int().min(1).max(100_000).nullable().default(null)
const isOn = z.boolean().default(false)

/** The rules of each type's content: what is left out has its default, what is not named here is refused. */
export const blockContents = {
  PARAGRAPH: z.strictObject({}),
  HEADING_1: z.strictObject({}),
  HEADING_2: z.strictObject({}),
  HEADING_3: z.strictObject({}),
  BULLETED_LIST: z.strictObject({}),
  NUMBERED_LIST: z.strictObject({}),
  TO_DO: z.strictObject({ checked: isOn }),
  TOGGLE: z.strictObject({ collapsed: isOn }),
  QUOTE: z.strictObject({}),
  CALLOUT: z.strictObject({ icon: words(32), color: words(32) }),
  CODE: z.strictObject({ language: words(32) }),
  DIVIDER: z.strictObject({}),
  IMAGE: z.strictObject({ url: address, alt: words(1_000), width: pixels, height: pixels }),
  FILE: z.strictObject({
    url: address,
    name: words(255),
    mediaType: words(127),
    sizeBytes: z.int().min(0).nullable().default(null),
  }),
  BOOKMARK: z.strictObject({ url: address, title: words(300), description: words(2_000) }),
  // Its text has a row in each line, and a tab between the cells of one.
  TABLE: z.strictObject({ hasHeaderRow: isOn, hasHeaderColumn: isOn }),
  EMBED: z.strictObject({ url: address }),
} as const

/** What a block is. */
export type BlockType = keyof typeof blockContents

/** A field of some type's content. */
export type ContentField = { [Type in BlockType]: keyof (typeof blockContents)[Type]['shape'] }[BlockType]

/** Every type, in the order of the manual. */
export const blockTypes = Object.keys(blockContents) as readonly BlockType[]

/** What a block of some type holds beside its text. */
export type BlockContent = Readonly<Record<string, string | number | boolean | null>>

/** Types that show no text and so are given none. */
export const textlessTypes: ReadonlySet<BlockType> = new Set(['DIVIDER'])

/** Whether a text is an address as contents have them, and nothing else. */
export function isAddress(text: string): boolean {
  return address.safeParse(text).success
}

/** The content of a type as it is kept: checked, with every field of the type. */
export function contentSchema(type: BlockType): z.ZodType<BlockContent> {
  return blockContents[type]
}
