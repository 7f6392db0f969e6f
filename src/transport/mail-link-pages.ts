import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { invitationScript } from './invitation-script.ts'

// The pages that mailed links lead to where no front end of one's own stands at their addresses. They load nothing, keep
// nothing, and send the token nowhere but to the API beside them. Opening one does nothing: mail scanners open links too.

/** What one page says and does. */
interface MailLinkPage {
  readonly title: string
  readonly intro: string
  readonly field: string
  readonly button: string
  readonly done: string
  /** A mutation with the variable `$input`, and the input's name for the password; null where the script has its own. */
  readonly mutation: string | null
  readonly passwordName: string | null
  readonly script: string
}

const style = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 26rem; margin: 15vh auto 0; padding: 0 1rem; color: #1d2430; background: #fff }
  label, input, button { display: block; width: 100%; box-sizing: border-box; font: inherit }
  input { padding: .6rem; margin: .3rem 0 1rem; border: 1px solid #767c88; border-radius: 6px }
  button { padding: .7rem; border: 0; border-radius: 6px; background: #0b5a8f; color: #fff; font-weight: 600; cursor: pointer }
  button:disabled { background: #4f5660 }`

// Names and texts of ours stand in `document`; whatever comes from outside is only ever set as text.
const script = `
  const form = document.querySelector('form')
  const status = document.querySelector('[role=status]')
  const token = new URLSearchParams(location.hash.slice(1)).get('token')
  if (!token) status.textContent = 'This link is not complete. Copy the whole of it from the mail.'
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const button = form.querySelector('button')
    const password = form.querySelector('input')
    button.disabled = true
    status.textContent = 'One moment …'
    try {
      const input = { token }
      if (password.value) input[document.body.dataset.field] = password.value
      const response = await fetch(new URL('graphql', location.href), {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify({ query: document.body.dataset.mutation, variables: { input } }),
      })
      const { data, errors } = await response.json()
      const refusal = errors ? errors[0].message : data.result.message
      status.textContent = refusal || document.body.dataset.done
      if (refusal) button.disabled = false
      else history.replaceState(null, '', location.pathname)
    } catch {
      status.textContent = 'The server cannot be reached. Try again in a moment.'
      button.disabled = false
    }
  })`

const pages: Readonly<Record<string, MailLinkPage>> = {
  '/verify-email': {
    title: 'Confirm your address',
    intro: 'Confirm that this address is yours.',
    field: passwordField('Your password, if you just registered', 'current-password', ''),
    button: 'Confirm',
    done: 'Your address is confirmed. You can sign in now.',
    mutation:
      'mutation ($input: VerifyEmailInput!) { result: verifyEmail(input: $input) { ... on UserError { message } } }',
    passwordName: 'password',
    script,
  },
  '/reset-password': {
    title: 'Set a new password',
    intro: 'All your devices will be signed out.',
    field: passwordField('New password', 'new-password', ' required'),
    button: 'Set the password',
    done: 'Your new password is set. You can sign in with it now.',
    mutation:
      'mutation ($input: ResetPasswordInput!) { result: resetPassword(input: $input) { ... on UserError { message } } }',
    passwordName: 'newPassword',
    script,
  },
  '/invitation': {
    title: 'You are invited',
    intro: 'One moment …',
    field: passwordField('Your password', 'current-password', ' required'),
    button: 'Join',
    done: 'You are a member now. Sign in to go there.',
    mutation: null,
    passwordName: null,
    script: invitationScript,
  },
}

const sourceOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
const policyOf = ({ script: own }: MailLinkPage) =>
  [
    "default-src 'none'",
    `script-src ${sourceOf(own)}`,
    `style-src ${sourceOf(style)}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')

/** Sends the page that a mailed link to this path leads to. Answers false where there is none. */
export function sendMailLinkPage(path: string, response: ServerResponse): boolean {
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined
  if (page === undefined) return false
  response.setHeader('content-security-policy', policyOf(page))
  response.setHeader('cache-control', 'no-store')
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(htmlOf(page))
  return true
}

function passwordField(label: string, autocomplete: string, rules: string): string {
  return `<label for="password">${label}</label><input id="password" type="password" autocomplete="${autocomplete}"${rules}>`
}

function htmlOf(page: MailLinkPage): string {
  const { title, intro, field, button, done, mutation, passwordName } = page
  const data = mutation === null ? '' : ` data-mutation="${mutation}" data-field="${passwordName}"`
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>
<style>${style}</style></head>
<body${data} data-done="${done}"><main><h1>${title}</h1><p>${intro}</p>
<form>${field}<button>${button}</button></form><p role="status" aria-live="polite"></p></main>
<script>${page.script}</script></body></html>
`
}
