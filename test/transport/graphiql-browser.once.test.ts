import { mkdirSync } from 'node:fs'
import type { Page, Response } from 'playwright-core'
import { describe, expect, onTestFinished, vi } from 'vitest'
import { tour } from '../../src/transport/graphiql-tour.ts'
import { openBrowser } from '../kit/browser.ts'
import { findChromium, isInstalled } from '../kit/installed-services.ts'
import { ask, openChat, test } from '../kit/test.ts'

const isSkipped = process.env.REQUIRE_SERVICES !== '1' && !isInstalled(findChromium)
if (isSkipped)
  console.log('GraphiQL is not tried in a browser: there is no chromium on PATH, and TEST_CHROMIUM is not set')

const limitMillis = 120_000
const tokens = 15 // 3 s of them

describe.skipIf(isSkipped)('GraphiQL in Chromium', () => {
  test('signs in, asks who is signed in and shows an answer while it is written, without any other host', {
    timeout: limitMillis,
  }, async ({ server, alice }) => {
    const { page, strayAddresses, errors, close } = await openBrowser(new URL(server.url).host)
    onTestFinished(async () => {
      await keepScreenshot(page, 'graphiql-at-the-end')
      await close()
    })
    await page.goto(`${server.url}/graphql`)
    await page.getByRole('button', { name: 'Login', exact: true }).waitFor()
    const names = Object.keys(tour).map(capitalized)
    expect(await page.locator('.graphiql-tab-button').allTextContents()).toEqual(names)
    await shows(page, 'variables.json', 'demo@ocean-graph.localhost')

    await paste(page, 'variables.json', { input: { identifier: alice.email, password: alice.password } })
    const [answer] = await Promise.all([page.waitForResponse(isAnswerTo('Login')), run(page)])
    await shows(page, 'response.json', '"__typename": "AuthPayload"')
    const { accessToken } = (await answer.json()).data.login
    await page.getByRole('button', { name: 'Headers', exact: true }).click()
    await paste(page, 'request-headers.json', { Authorization: `Bearer ${accessToken}` })
    // What is typed as headers in one tab is taken over by the others.
    await openTab(page, 'Viewer')
    await run(page)
    await shows(page, 'response.json', '"displayName": "Alice"')

    const session = await openChat(alice)
    await openTab(page, 'ChatEvents')
    await page.getByRole('button', { name: 'Variables', exact: true }).click()
    await shows(page, 'variables.json', 'chat_session_…')
    await paste(page, 'variables.json', { sessionId: session.id, after: session.eventsCursor })
    const shownIndexes = await noteIndexes(page)
    await run(page)
    await ask(alice, session, `scenario/slow-${tokens}`)
    // Three stretches of text, each shown before the next came.
    await vi.waitUntil(async () => (await shownIndexes()).length >= 3, { timeout: limitMillis })
    await keepScreenshot(page, 'graphiql-answer')
    await shows(page, 'response.json', '"status": "COMPLETED"')
    const indexes = await shownIndexes()
    expect(indexes).toEqual(indexes.toSorted((one, other) => one - other))

    // A later visit finds the tabs as they were left.
    await page.goto(`${server.url}/graphql`)
    await page.getByRole('button', { name: 'ChatEvents', exact: true }).waitFor()
    expect(await page.locator('.graphiql-tab-button').allTextContents()).toEqual(names)

    expect(strayAddresses).toEqual([])
    expect(errors).toEqual([])
  })
})

/** An editor or the result, by the name of the file that GraphiQL holds it for. */
function editor(page: Page, file: string) {
  return page.locator(`.monaco-editor[data-uri$="${file}"]`)
}

/** Waits until an editor shows a text, in which spaces are of any kind. */
async function shows(page: Page, file: string, text: string): Promise<void> {
  await editor(page, file).locator('.view-lines').getByText(text).first().waitFor()
}

/** Replaces the text of an editor by what is pasted: were it typed, the editor would add brackets of its own. */
async function paste(page: Page, file: string, value: object): Promise<void> {
  await editor(page, file).locator('.view-lines').click()
  await page.keyboard.press('ControlOrMeta+a')
  await page.evaluate(`{
    const clipboardData = new DataTransfer()
    clipboardData.setData('text/plain', ${JSON.stringify(JSON.stringify(value))})
    document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
  }`)
  await taken(page)
}

async function openTab(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click()
  await taken(page)
}

/**
 * Until GraphiQL has taken what was done: it puts that off by up to 500 ms and shows no sign of it. A longer timer of the
 * same page ends after that also on a busy machine.
 */
async function taken(page: Page): Promise<void> {
  await page.evaluate('new Promise((resolve) => setTimeout(resolve, 600))')
}

async function run(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Execute query/ }).click()
}

/** From here on notes the `index` of each delta that the page shows, and answers those noted so far. */
async function noteIndexes(page: Page): Promise<() => Promise<number[]>> {
  await page.evaluate(`{
    window.shownIndexes = []
    const shown = document.querySelector('.monaco-editor[data-uri$="response.json"] .view-lines')
    new MutationObserver(() => {
      const [, index] = /"index":\\s(\\d+)/.exec(shown.textContent) ?? []
      if (index !== undefined && Number(index) !== shownIndexes.at(-1)) shownIndexes.push(Number(index))
    }).observe(shown, { subtree: true, childList: true, characterData: true })
  }`)
  return () => page.evaluate('shownIndexes')
}

function isAnswerTo(operationName: string): (response: Response) => boolean {
  return (response) => response.request().postData()?.includes(`"operationName":"${operationName}"`) ?? false
}

function capitalized(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1)
}

/** For who wants to see what a test saw, or what stopped it. */
async function keepScreenshot(page: Page, name: string): Promise<void> {
  mkdirSync('test-output', { recursive: true })
  await page.screenshot({ path: `test-output/${name}.png` })
}
