// What the browser keeps for the page. It may bar its storage or have no room in it; then it lasts as long as the page.

/** One of the browser's two storages, by its name on `window`. */
class Store {
  constructor(name) {
    this.name = name;
    this.values = new Map();
  }

  /** What is kept under `item`, or null. */
  get(item) {
    return this.values.get(item) ?? this.#attempt((storage) => storage.getItem(item));
  }

  set(item, value) {
    this.values.set(item, value);
    this.#attempt((storage) => storage.setItem(item, value));
  }

  remove(item) {
    this.values.delete(item);
    this.#attempt((storage) => storage.removeItem(item));
  }

  /** What `action` returns, or null where the browser does not let it; merely asking for its storage may throw. */
  #attempt(action) {
    try {
      const storage = window[this.name];
      return storage === null ? null : action(storage);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      return null;
    }
  }
}

/** Lasts until the tab is closed. */
export const tabStore = new Store("sessionStorage");

/** Lasts until the reader clears it. */
export const lastingStore = new Store("localStorage");
