import { useEffect, useState } from 'react';

export const PAGES = ['explore', 'dashboards', 'variables', 'connection'] as const;
export type Page = (typeof PAGES)[number];

export interface Route {
  page: Page;
  /** What follows the page's name: a dashboard's file. */
  argument: string;
  parameters: URLSearchParams;
}

/** The address is `#/page/argument?parameters`; without one it is Explore. */
export function useRoute(): Route {
  const [hash, setHash] = useState(window.location.hash);
  useEffect(() => {
    const follow = () => setHash(window.location.hash);
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  }, []);
  return routeOf(hash);
}

export function routeOf(hash: string): Route {
  const [path, search = ''] = hash.replace(/^#\/?/, '').split('?');
  const [name, ...rest] = path.split('/');
  const page = PAGES.find((one) => one === name) ?? 'explore';
  return { page, argument: decodeURIComponent(rest.join('/')), parameters: new URLSearchParams(search) };
}
