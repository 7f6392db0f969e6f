/** stub */
export function mailOf(m: {
  subject: string
  lines: readonly string[]
  action?: { label: string; url: string }
  footer?: string
}) {
  const lines = [...m.lines, ...(m.action ? [m.action.url] : []), ...(m.footer ? [m.footer] : [])]
  return { subject: m.subject, text: lines.join('\n\n'), html: lines.join('<br>') }
}
