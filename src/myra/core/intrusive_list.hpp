// A doubly linked list through its elements: no allocation, O(1) insertion and removal. An element
// derives from `list_node<Tag>`; it may be in one list per tag, and must be out of it when it is
// destroyed.
#pragma once

#include <cassert>

namespace myra {

template <class Tag>
class list_node {
 public:
  list_node() = default;
  list_node(const list_node&) = delete;
  list_node& operator=(const list_node&) = delete;
  ~list_node() { assert(!linked() && "destroyed while in a list"); }

  [[nodiscard]] bool linked() const noexcept { return next_ != nullptr; }

  void unlink() noexcept {
    if (!linked()) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }

 private:
  template <class T, class U>
  friend class intrusive_list;

  list_node* next_ = nullptr;
  list_node* previous_ = nullptr;
};

template <class T, class Tag>
class intrusive_list {
 public:
  using node = list_node<Tag>;

  intrusive_list() noexcept { head_.next_ = head_.previous_ = &head_; }
  ~intrusive_list() {
    assert(empty() && "destroyed with elements in it");
    head_.next_ = head_.previous_ = nullptr;
  }

  [[nodiscard]] bool empty() const noexcept { return head_.next_ == &head_; }

  void push_back(T& element) noexcept {
    node& added = element;
    assert(!added.linked());
    node* last = head_.previous_;
    added.next_ = &head_;
    last->next_ = &added;
    added.previous_ = last;
    head_.previous_ = &added;
  }

  [[nodiscard]] T& front() noexcept { return static_cast<T&>(*head_.next_); }

  /// The first element, taken out; null when empty.
  T* pop_front() noexcept {
    if (empty()) return nullptr;
    node& first = *head_.next_;
    head_.next_ = first.next_;
    first.next_->previous_ = &head_;
    first.next_ = first.previous_ = nullptr;
    return static_cast<T*>(&first);
  }

  /// Moves all elements of `other` to the end of this list.
  void append(intrusive_list& other) noexcept {
    if (other.empty()) return;
    node* first = other.head_.next_;
    node* last = other.head_.previous_;
    first->previous_ = head_.previous_;
    head_.previous_->next_ = first;
    last->next_ = &head_;
    head_.previous_ = last;
    other.head_.next_ = other.head_.previous_ = &other.head_;
  }

  /// Calls `visit` for each element; `visit` may unlink the element that it is given.
  template <class Visit>
  void for_each(Visit visit) {
    for (node* at = head_.next_; at != &head_;) {
      node* following = at->next_;
      visit(static_cast<T&>(*at));
      at = following;
    }
  }

 private:
  node head_;
};

}  // namespace myra
