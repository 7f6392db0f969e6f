/** What a mail says: paragraphs, perhaps one link to follow, and what stands small below it. */
export interface MailContent {
  readonly subject: string
  readonly lines: readonly string[]
  readonly action?: { readonly label: string; readonly url: string }
  readonly footer?: string
}

/** The same mail for every kind of reader. */
export interface MailBody {
  readonly subject: string
  readonly text: string
  readonly html: string
}

// Line breaks would add headers to a subject and a link of somebody's own to a text; the others turn a text's direction.
const UNSEEN = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu

const FONT = 'font-family:system-ui,-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif'
// White on it has a contrast of 7.3 to 1, and the grey below one of 7.4 on white (WCAG 2.2, 1.4.3 asks for 4.5).
const BUTTON =
  'display:inline-block;padding:12px 20px;border-radius:6px;background:#0b5a8f;color:#ffffff;font-weight:600;text-decoration:none'
const SMALL = 'margin:0 0 16px;color:#4f5660;font-size:13px;line-height:1.5'
const PARAGRAPH = 'margin:0 0 16px'

/**
 * Writes a mail that loads nothing from anywhere. Each line is one paragraph, whatever is in it; the link stands on a line
 * of its own in the text, and below its button in the HTML. @throws when the link is not of http or https
 */
export function writeMail({ subject, lines, action, footer }: MailContent): MailBody {
  const shown = {
    subject: oneLine(subject),
    lines: lines.map(oneLine),
    action: action === undefined ? null : { label: oneLine(action.label), url: webAddress(action.url) },
    footer: footer === undefined ? null : oneLine(footer),
  }
  return { subject: shown.subject, text: textOf(shown), html: htmlOf(shown) }
}

interface Shown {
  readonly subject: string
  readonly lines: readonly string[]
  readonly action: { readonly label: string; readonly url: string } | null
  readonly footer: string | null
}

function oneLine(text: string): string {
  return text.replace(UNSEEN, ' ').trim()
}

function webAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw new Error('A mail links to http or https alone')
  return url.href
}

function textOf({ lines, action, footer }: Shown): string {
  const link = action === null ? [] : [`${action.label}:\n${action.url}`]
  const last = footer === null ? [] : [`--\n${footer}`]
  return `${[...lines, ...link, ...last].join('\n\n')}\n`
}

function htmlOf({ subject, lines, action, footer }: Shown): string {
  const paragraphs = lines.map((line) => `<p style="${PARAGRAPH}">${escaped(line)}</p>`)
  const link = action === null ? [] : linkOf(action)
  const last = footer === null ? [] : [`<p style="${SMALL}">${escaped(footer)}</p>`]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escaped(subject)}</title>
</head>
<body style="margin:0;padding:24px;background:#ffffff;color:#1b1f24;font-size:16px;line-height:1.5;${FONT}">
<main style="max-width:560px;margin:0 auto">
${[...paragraphs, ...link, ...last].join('\n')}
</main>
</body>
</html>
`
}

function linkOf({ label, url }: { readonly label: string; readonly url: string }): string[] {
  const href = escaped(url)
  return [
    `<p style="${PARAGRAPH}"><a href="${href}" style="${BUTTON}">${escaped(label)}</a></p>`,
    `<p style="${SMALL}">Or open this address:<br><a href="${href}" style="color:#0b5a8f;word-break:break-all">${href}</a></p>`,
  ]
}

function escaped(text: string): string {
  return text.replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`)
}
