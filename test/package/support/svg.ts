import { JSDOM } from 'jsdom';

const ACTIVE = new Set(['script', 'foreignobject', 'iframe', 'object', 'embed', 'handler', 'animate', 'set', 'use']);

/** What may make a picture do more than be looked at: Grafana puts logos into its own pages. */
export function unsafePartsOf(svg: string): string[] {
  let document: Document;
  try {
    document = new JSDOM(svg, { contentType: 'image/svg+xml' }).window.document;
  } catch (error) {
    return [`is not XML: ${(error as Error).message.split('\n')[0]}`];
  }
  if (document.documentElement.localName !== 'svg') {
    return [`is <${document.documentElement.localName}>, not <svg>`];
  }
  const unsafe: string[] = document.doctype ? ['has a document type, which may define entities'] : [];
  for (const element of document.querySelectorAll('*')) {
    if (ACTIVE.has(element.localName.toLowerCase())) {
      unsafe.push(`has <${element.localName}>`);
    }
    for (const { localName, value } of element.attributes) {
      if (/^on/i.test(localName)) {
        unsafe.push(`has ${localName}`);
      } else if (localName === 'href' ? !value.startsWith('#') : /url\(\s*['"]?(?!#)|javascript:/i.test(value)) {
        unsafe.push(`refers to ${value}`);
      }
    }
    if (element.localName === 'style' && /@import|url\(\s*['"]?(?!#)/i.test(element.textContent)) {
      unsafe.push('has a style that refers to another file');
    }
  }
  return unsafe;
}
