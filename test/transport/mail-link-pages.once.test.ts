import { describe, expect, onTestFinished } from 'vitest'
import { LoginDocument, RequestPasswordResetDocument, ViewerDocument } from '../gql/graphql.ts'
import { openBrowser } from '../kit/browser.ts'
import { findChromium, isInstalled } from '../kit/installed-services.ts'
import { mailedToken } from '../kit/mails.ts'
import { invite } from '../kit/organizations.ts'
import { test } from '../kit/test.ts'

const isSkipped = process.env.REQUIRE_SERVICES !== '1' && !isInstalled(findChromium)
const paths = ['/verify-email', '/reset-password', '/invitation']
const newPassword = 'Another-Horse-2'

describe.skipIf(isSkipped)('in Chromium', { timeout: 120_000 }, () => {
  test('the mailed link confirms the address at the press of a button, and not before', async ({ server, alice }) => {
    const token = await mailedToken(server, alice, /verify-email/)
    const { page, strayAddresses, errors, close } = await openBrowser(new URL(server.url).host)
    onTestFinished(close)
    const verifiedAt = async () => {
      const { viewer } = await alice.query(ViewerDocument, {})
      return viewer !== null && 'emailVerifiedAt' in viewer.actor ? viewer.actor.emailVerifiedAt : undefined
    }
    await page.goto(`${server.url}/verify-email#token=${token}`)
    await page.getByRole('button', { name: 'Confirm' }).waitFor()
    expect(await verifiedAt()).toBeNull()
    await page.getByRole('button', { name: 'Confirm' }).click()
    await page.getByText('Your address is confirmed.').waitFor()
    expect(await verifiedAt()).toEqual(expect.any(String))
    expect(page.url()).toBe(`${server.url}/verify-email`)

    await page.goto(`${server.url}/verify-email#token=${token}`)
    await page.reload()
    await page.getByRole('button', { name: 'Confirm' }).click()
    await page.getByText('This link was used before').waitFor()
    expect([strayAddresses, errors]).toEqual([[], []])
  })

  test('the mailed link sets a password that is good enough', async ({ server, alice }) => {
    await alice.mutate(RequestPasswordResetDocument, { input: { email: alice.email } })
    const token = await mailedToken(server, alice, /reset-password/)
    const { page, strayAddresses, errors, close } = await openBrowser(new URL(server.url).host)
    onTestFinished(close)
    await page.goto(`${server.url}/reset-password#token=${token}`)
    await page.getByLabel('New password').fill('weak-password')
    await page.getByRole('button', { name: 'Set the password' }).click()
    await page.getByText('The password needs an upper-case letter, a digit.').waitFor()
    await page.getByLabel('New password').fill(newPassword)
    await page.getByRole('button', { name: 'Set the password' }).click()
    await page.getByText('Your new password is set.').waitFor()
    const { login } = await alice.mutate(LoginDocument, { input: { identifier: alice.email, password: newPassword } })
    expect(login.__typename).toBe('AuthPayload')
    expect([strayAddresses, errors]).toEqual([[], []])
  })
})

describe.skipIf(isSkipped)('an invitation in Chromium', { timeout: 120_000 }, () => {
  test('is shown, and taken up by whoever signs in with the account of its address', async ({
    server,
    alice,
    stranger,
  }) => {
    const token = await invite(server, alice, stranger.email, 'VIEWER')
    const { page, strayAddresses, errors, close } = await openBrowser(new URL(server.url).host)
    onTestFinished(close)
    await page.goto(`${server.url}/invitation#token=${token}`)
    await page.getByText(`Alice invites ${stranger.email} to Alice's workspace.`).waitFor()
    await page.getByLabel('Your password').fill('Wrong-Horse-1')
    await page.getByRole('button', { name: 'Join' }).click()
    await page.getByText('The e-mail address, username or password is wrong.').waitFor()
    await page.getByLabel('Your password').fill(stranger.password)
    await page.getByRole('button', { name: 'Join' }).click()
    await page.getByText('You are a member now.').waitFor()
    const { viewer } = await stranger.query(ViewerDocument, {})
    expect(viewer?.memberships.nodes).toMatchObject([{ role: 'OWNER' }, { role: 'VIEWER' }])
    expect(viewer?.deviceSessions.nodes).toHaveLength(1)
    expect(page.url()).toBe(`${server.url}/invitation`)
    await page.goto(`${server.url}/invitation#token=${token}`)
    await page.reload()
    await page.getByText('This invitation is not open any more.').waitFor()
    expect([strayAddresses, errors]).toEqual([[], []])
  })
})

test.for(paths)('%s loads nothing, stands in no frame and is kept nowhere', async (path, { server }) => {
  const response = await fetch(`${server.url}${path}?token=ignored`)
  const { headers } = response
  expect(response.status).toBe(200)
  expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(headers.get('content-security-policy')).toMatch(
    /^default-src 'none'; script-src 'sha256-[^;]+; style-src 'sha256-/,
  )
  expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  expect(headers.get('cache-control')).toBe('no-store')
  expect(headers.get('referrer-policy')).toBe('no-referrer')
  const html = await response.text()
  expect(html).not.toContain('ignored')
  expect(html).not.toMatch(/https?:|\ssrc=|\shref=/)
})

test.for(['/constructor', '/__proto__', '/verify-email/', '/Verify-Email'])(
  '%s is no page',
  async (path, { server }) => {
    expect((await fetch(`${server.url}${path}`)).status).toBe(404)
  },
)
