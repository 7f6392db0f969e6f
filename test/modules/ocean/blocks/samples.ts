import type { BlockContent, BlockType } from '../../../../src/lib/block-content.ts'

/** A block of each type with all that it can have, none of it a default; addresses and words are its own. */
export const samples: Readonly<Record<BlockType, { readonly text: string; readonly content: BlockContent }>> = {
  PARAGRAPH: { text: 'Running text', content: {} },
  HEADING_1: { text: 'A heading', content: {} },
  HEADING_2: { text: 'A lower heading', content: {} },
  HEADING_3: { text: 'The lowest heading', content: {} },
  BULLETED_LIST: { text: 'An item', content: {} },
  NUMBERED_LIST: { text: 'A first item', content: {} },
  TO_DO: { text: 'A thing to do', content: { checked: true } },
  TOGGLE: { text: 'A line to fold', content: { collapsed: true } },
  QUOTE: { text: 'Somebody said:\nso', content: {} },
  CALLOUT: { text: 'Mind this', content: { icon: '💡', color: 'yellow' } },
  CODE: { text: 'let a = 1\nlet b = 2\n', content: { language: 'ts' } },
  DIVIDER: { text: '', content: {} },
  IMAGE: {
    text: 'A caption',
    content: { url: 'https://example.org/a.png', alt: 'A picture', width: 640, height: 480 },
  },
  FILE: {
    text: '',
    content: { url: 'https://example.org/a.pdf', name: 'a.pdf', mediaType: 'application/pdf', sizeBytes: 1_024 },
  },
  BOOKMARK: {
    text: 'Worth reading',
    content: { url: 'https://example.org/read?a=1#b', title: 'A title', description: 'What it\nis about' },
  },
  TABLE: { text: 'a\tb\nc\td', content: { hasHeaderRow: true, hasHeaderColumn: true } },
  EMBED: { text: 'https://example.org/not-the-address\nA film', content: { url: 'https://example.org/film' } },
}
