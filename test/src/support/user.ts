import { configure, screen } from '@testing-library/react';
import userEvent, { type UserEvent } from '@testing-library/user-event';

// Whether each element is hidden by a style costs jsdom a second a query, and nothing here is.
configure({ defaultHidden: true });

/** A person at the keyboard, who does not wait between keys. */
export function person(): UserEvent {
  return userEvent.setup({ delay: null, pointerEventsCheck: 0 });
}

/** Opens a list and picks from it. */
export async function choose(user: UserEvent, field: HTMLElement, name: RegExp | string): Promise<void> {
  await user.click(field);
  await user.click(await screen.findByRole('option', { name }));
}

/** What a list offers. */
export async function optionsOf(user: UserEvent, field: HTMLElement): Promise<string[]> {
  await user.click(field);
  const options = await screen.findAllByRole('option');
  const names = options.map(({ textContent }) => textContent ?? '');
  await user.keyboard('{Escape}');
  return names;
}
